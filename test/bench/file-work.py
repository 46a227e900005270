"""Sequential and small-file work in one folder; prints seconds by operation as JSON. Arguments: folder, megabytes, files."""

import json
import os
import shutil
import sys
import time

folder, megabytes, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
work = os.path.join(folder, "bench")
shutil.rmtree(work, ignore_errors=True)
os.mkdir(work)
seconds = {}
block = os.urandom(1 << 20)
large = os.path.join(work, "large")
small = os.path.join(work, "small")


def timed(name, act):
    start = time.monotonic()
    act()
    seconds[name] = time.monotonic() - start


def write_large():
    with open(large, "wb") as file:
        for _ in range(megabytes):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def read_large():
    with open(large, "rb", buffering=0) as file:
        # What the kernel kept of the writing must not answer.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.read(1 << 20):
            pass


def create_small():
    os.mkdir(small)
    for number in range(count):
        with open(os.path.join(small, f"file-{number}"), "wb") as file:
            file.write(block[:4096])


def read_small():
    for entry in os.scandir(small):
        with open(entry.path, "rb") as file:
            assert len(file.read()) == 4096


timed("write", write_large)
timed("read", read_large)
timed("create-small", create_small)
timed("list-small", lambda: [os.stat(os.path.join(small, name)) for name in os.listdir(small)])
timed("read-small", read_small)
shutil.rmtree(work)
print(json.dumps(seconds))
