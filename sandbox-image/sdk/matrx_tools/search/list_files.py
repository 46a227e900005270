"""Every file below a directory: by fd where it is installed (it looks into many directories at once), else by Python."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterable

from matrx_tools.program import run_program
from matrx_tools.types import ToolError

SECONDS = 60.0
MAX_BYTES = 256 * 1024 * 1024


async def list_files(folder: str, hidden: bool) -> list[str]:
    """Paths, relative to `folder`, of what is not a directory below it. Links to directories are not followed.

    Without `hidden`, names that begin with a dot are left out, and what is below them. Raises ToolError.
    """
    program = shutil.which("fdfind") or shutil.which("fd")
    if program is None:
        return await asyncio.to_thread(_walk, folder, hidden)
    return await _by_fd(program, folder, hidden)


async def _by_fd(program: str, folder: str, hidden: bool) -> list[str]:
    # --no-ignore: what a repository ignores is there all the same, and a model that looks for it must find it.
    options = ["--type=f", "--type=l", "--no-ignore", "--print0", "--color=never", *(["--hidden"] if hidden else [])]
    done = await run_program([program, *options, "."], cwd=folder, seconds=SECONDS, max_bytes=MAX_BYTES)
    if not done.complete:
        raise ToolError(f"There are too many files below {folder}. Give a path that is nearer to what you look for.")
    return [os.fsdecode(name).removeprefix("./") for name in done.output.split(b"\0") if name]


def _walk(folder: str, hidden: bool) -> list[str]:
    deadline = time.monotonic() + SECONDS
    found: list[str] = []
    waiting = [""]
    while waiting:
        if time.monotonic() > deadline:
            raise ToolError(f"Looking through {folder} took longer than {SECONDS:.0f} s. Give a path that is nearer.")
        below = waiting.pop()
        for entry in _entries(os.path.join(folder, below)):
            if entry.name.startswith(".") and not hidden:
                continue
            path = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{path}/")
            elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                found.append(path)
    return found


def _entries(folder: str) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []  # not ours to read, or gone since it was named: the others are still worth having
