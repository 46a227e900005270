"""Fills $HOME with what real homes hold, and with everything odd that a Linux directory can hold.

Runs inside a sandbox as the agent, in a home that is empty. argv: how many small files, how many MiB the large one has.
"""
import os
import random
import socket
import subprocess
import sys

SMALL_FILES, LARGE_MIB = int(sys.argv[1]), int(sys.argv[2])
MIB = 1 << 20
chance = random.Random(20240229)
os.umask(0o022)
os.chdir(os.environ["HOME"])


def write(path, content=b"", mode=0o644):
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)


def run(*command, cwd=None):
    who = {"NAME": "Agent", "EMAIL": "agent@example.com", "DATE": "2024-02-29T12:00:00Z"}
    identity = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **identity})


def git_repository():
    run("git", "init", "--quiet", "--initial-branch=main", "repo")
    for number in range(12):
        write(f"repo/file-{number % 5}.txt", f"revision {number}\n".encode() * (number + 1))
        run("git", "add", ".", cwd="repo")
        run("git", "commit", "--quiet", "-m", f"revision {number}", cwd="repo")
    run("git", "branch", "old", "HEAD~5", cwd="repo")
    run("git", "tag", "-a", "v1", "-m", "first", cwd="repo")
    run("git", "gc", "--quiet", cwd="repo")
    write("repo/uncommitted.txt", b"not added\n")


def many_files():
    for number in range(SMALL_FILES):
        folder = f"small/{number % 50:02}"
        os.makedirs(folder, exist_ok=True)
        write(f"{folder}/{number:05}.dat", chance.randbytes(chance.randrange(0, 4096)))


def sizes():
    """Every boundary of the storage format: small file against large, one block against two."""
    os.mkdir("sizes")
    for size in (0, 1, 511, 512, 513, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB, 8 * MIB + 1):
        write(f"sizes/{size}", chance.randbytes(size))
    with open("sizes/large", "wb") as file:
        for _ in range(LARGE_MIB):
            file.write(chance.randbytes(MIB))
    with open("sizes/sparse", "wb") as file:
        file.write(b"begin")
        file.seek(64 * MIB - 3)
        file.write(b"end")


def links():
    os.mkdir("links")
    write("links/target", b"shared content")
    os.symlink("target", "links/relative")
    os.symlink("/etc/hostname", "links/absolute")
    os.symlink("no/such/place", "links/dangling")
    os.symlink("loop", "links/loop")
    os.symlink("..", "links/parent")
    os.symlink(b"caf\xe9\n", b"links/odd-target")
    os.symlink("x/" * 2000, "links/long-target")
    os.mkdir("links/folder")
    os.symlink("folder", "links/to-folder")
    os.link("links/target", "links/hard-1")
    os.link("links/target", "links/folder/hard-2")
    write("links/large", chance.randbytes(5 * MIB))
    os.link("links/large", "links/folder/large-too")
    write("links/empty")
    os.link("links/empty", "links/empty-too")


def folders():
    os.makedirs("folders/empty")
    os.makedirs("folders/outer/inner/empty")
    deep = "folders/" + "/".join(f"level-{number:03}-{'x' * 16}" for number in range(100))
    os.makedirs(deep)
    write(f"{deep}/bottom", b"deep")


def modes():
    os.mkdir("modes")
    for mode in (0o000, 0o400, 0o600, 0o644, 0o755, 0o777, 0o4755, 0o2755, 0o1644, 0o7777):
        write(f"modes/file-{mode:04o}", f"{mode:o}".encode(), mode)
    for mode in (0o000, 0o500, 0o700, 0o1777, 0o2775, 0o3770):
        os.mkdir(f"modes/folder-{mode:04o}")
        write(f"modes/folder-{mode:04o}/inside", b"in")
        os.chmod(f"modes/folder-{mode:04o}", mode)


def names():
    os.mkdir("names")
    odd = [b"caf\xe9", b"\xff\xfe\x80", b"new\nline", b"tab\tback\\slash", b"-rf", b" space ", b"'\"`$(x)", b"..dots",
           b"...", b"%2e%2e%2f", b"CON", b".ws", b"HEAD", b"\xc3\xa9", b"e\xcc\x81", b"\x01\x7f", b"a:b*?<>|",
           "日本語".encode(), b"n" * 255, b"\xe9" * 255, b"\r", b"~", b"#;&!"]
    for number, name in enumerate(odd):
        write(b"names/" + name, b"%d" % number)
    os.mkdir(b"names/folder \xff\n")
    write(b"names/folder \xff\n/" + b"f" * 255, b"inside")
    os.mkdir(".ws")
    write(".ws/HEAD", b"a file of the user's")


def not_saved():
    """Kinds that have no content: skipped by the store, and counted."""
    os.mkdir("skipped")
    os.mkfifo("skipped/fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("skipped/socket")
    write("skipped/neighbour", b"kept")


def times():
    """After everything else, because writing in a folder changes the folder's own time."""
    os.mkdir("times")
    moments = {"before-1970": -1_500_000_001, "zero": 0, "one-nanosecond": 1, "exact": 1_709_208_000_123_456_789,
               "last-nanosecond": 1_709_208_000_999_999_999, "after-2038": 4_102_444_800_000_000_001}
    for name, moment in moments.items():
        write(f"times/{name}", name.encode())
        os.mkdir(f"times/{name}.folder")
        os.symlink(name, f"times/{name}.link")
    for name, moment in moments.items():
        for path in (name, f"{name}.folder", f"{name}.link"):
            os.utime(f"times/{path}", ns=(moment, moment), follow_symlinks=False)
    for folder in ("times", "names", "folders/empty", "links/folder", "small/07"):
        moment = chance.randrange(10**18, 2 * 10**18)
        os.utime(folder, ns=(moment, moment))


git_repository()
run(sys.executable, "-m", "venv", "venv")
many_files()
sizes()
links()
folders()
modes()
names()
not_saved()
times()
os.utime(".", ns=(1_600_000_000_000_000_007, 1_600_000_000_000_000_007))
