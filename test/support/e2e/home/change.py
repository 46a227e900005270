"""Changes a home that fill.py has made and that has been committed: what a store that only ever adds gets wrong."""
import os
import shutil

os.umask(0o022)
os.chdir(os.environ["HOME"])


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def deletions():
    for number in range(0, 50, 2):
        name = sorted(os.listdir(f"small/{number:02}"))[0]
        os.remove(f"small/{number:02}/{name}")
    shutil.rmtree("small/01")
    os.remove("sizes/8388608")
    os.remove("links/dangling")
    os.rmdir("folders/empty")


def renames():
    os.rename("small/03", "moved")
    os.rename("sizes/large", "large-moved")
    os.rename("links/hard-1", "hard-moved")
    os.rename("modes", "modes-moved")
    os.replace("sizes/513", "sizes/512")


def kinds_exchanged():
    os.remove("sizes/1")
    os.mkdir("sizes/1")
    write("sizes/1/inside", b"was a file")
    os.rmdir("folders/outer/inner/empty")
    write("folders/outer/inner/empty", b"was a folder")
    os.remove("links/relative")
    write("links/relative", b"was a link")
    os.remove("times/zero")
    os.symlink("exact", "times/zero")


def contents():
    with open("large-moved", "ab") as file:
        file.write(b"appended")
    with open("sizes/8388609", "r+b") as file:
        file.seek(5_000_000)
        file.write(b"in the middle")
    with open("sizes/4194305", "r+b") as file:
        file.truncate(10)
    with open("links/target", "r+b") as file:
        file.write(b"SHARED")
    # The same size and the same time as before: only the change time tells.
    before = os.stat("times/exact")
    write("times/exact", b"EXACT")
    os.utime("times/exact", ns=(before.st_atime_ns, before.st_mtime_ns))


def attributes_alone():
    os.chmod("sizes/511", 0o640)
    os.utime("sizes/4194304", ns=(7, 1_234_567_890_987_654_321))
    os.utime("links/absolute", ns=(7, 1_234_567_890_000_000_001), follow_symlinks=False)
    os.chmod("folders/outer", 0o711)


def hard_links():
    os.remove("links/empty-too")
    write("links/empty-too", b"no longer linked")
    os.link("sizes/4194303", "links/new-hard")


deletions()
renames()
kinds_exchanged()
contents()
attributes_alone()
hard_links()
