"""Writes or reads one large and many small files in a folder; how many seconds each took, as JSON."""

import json
import os
import sys
import time

folder, phase, large, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
BLOCK = os.urandom(1_000_000)
SMALL = os.urandom(4096)
names = [f'{folder}/small/{number}' for number in range(count)]
seconds = {}


def timed(name, work):
    started = time.monotonic()
    work()
    seconds[name] = time.monotonic() - started


def write_large():
    with open(f'{folder}/large', 'wb') as file:
        for _ in range(large // len(BLOCK)):
            file.write(BLOCK)


def create_small():
    os.mkdir(f'{folder}/small')
    for name in names:
        with open(name, 'wb') as file:
            file.write(SMALL)


def forget(name):
    """Takes a file out of the kernel's memory, which is no part of what is measured."""
    descriptor = os.open(name, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def read_large():
    read = 0
    with open(f'{folder}/large', 'rb', buffering=0) as file:
        while block := file.read(len(BLOCK)):
            read += len(block)
    assert read == large, read


def list_small():
    assert sum(entry.stat().st_size for entry in os.scandir(f'{folder}/small')) == count * len(SMALL)


def read_small():
    for name in names:
        with open(name, 'rb') as file:
            assert len(file.read()) == len(SMALL)


if phase == 'write':
    timed('write', write_large)
    # What is still on its way to the disk is not the next step's: the faster the first was, the more of it there is.
    os.sync()
    timed('create', create_small)
    os.sync()
else:
    timed('list', list_small)
    for name in [f'{folder}/large', *names]:
        forget(name)
    timed('read', read_large)
    timed('readSmall', read_small)
print(json.dumps(seconds))
