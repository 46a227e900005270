"""Prints every file the agent can read that holds one of the given secrets, and on the last line how many files were
searched. argv: the secrets in hex.
"""
import os
import stat
import sys

needles = [bytes.fromhex(argument) for argument in sys.argv[1:]]
own = os.getpid()
searched = 0


def holds_one(path):
    with open(path, "rb") as file:
        content = file.read(8 << 20)
    return any(needle in content for needle in needles)


def candidates():
    for folder, folders, names in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("sys", "proc", "dev")]
        # The system's own programs and documents come from the distribution.
        if folder == "/usr":
            folders[:] = [name for name in folders if name == "local"]
        yield from (os.path.join(folder, name) for name in names)
    for process in os.listdir("/proc"):
        if process.isdigit() and int(process) != own:
            yield from (f"/proc/{process}/{name}" for name in ("environ", "cmdline"))


for path in candidates():
    try:
        if not path.startswith("/proc") and not stat.S_ISREG(os.lstat(path).st_mode):
            continue
        searched += 1
        if holds_one(path):
            print(path)
    except OSError:
        continue
print(searched)
