"""Opening what a model names: only a regular file is ever read, so no FIFO, device or socket can hang a call."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

from matrx_tools.types import ToolError

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def refusal(path: str, error: OSError) -> ToolError:
    """What the operating system said of `path`, for a model."""
    if isinstance(error, FileNotFoundError):
        if os.path.islink(path):
            return ToolError(f"{path} is a symbolic link to {os.readlink(path)}, which does not exist.")
        return ToolError(f"File does not exist: {path}")
    if isinstance(error, PermissionError):
        return ToolError(f"Permission denied: {path}")
    return ToolError(f"{error.strerror or error}: {path}")


def check_regular(path: str) -> os.stat_result:
    """The stat of the regular file at `path` (symbolic links followed). Raises ToolError for anything else."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise refusal(path, error) from error
    if stat.S_ISDIR(found.st_mode):
        raise ToolError(f"{path} is a directory, not a file. List it with Bash (ls) or Glob.")
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "not a regular file")
        raise ToolError(f"{path} is {kind}; only regular files can be read and changed.")
    return found


def open_regular(path: str) -> BinaryIO:
    """The regular file at `path`, open for reading. Raises ToolError."""
    check_regular(path)
    try:
        # O_NONBLOCK: should the name have become a FIFO since the look above, opening it does not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise refusal(path, error) from error
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise ToolError(f"{path} is no longer a regular file.")
    return file


def read_bounded(path: str, limit: int, remedy: str) -> bytes:
    """All bytes of a regular file of at most `limit` bytes. Raises ToolError, with `remedy`, for a larger one."""
    with open_regular(path) as file:
        try:
            data = file.read(limit + 1)
        except OSError as error:
            raise refusal(path, error) from error
        size = max(len(data), os.fstat(file.fileno()).st_size)
    if len(data) > limit:
        raise ToolError(f"{path} has {size} bytes, more than the {limit} this tool takes. {remedy}")
    return data
