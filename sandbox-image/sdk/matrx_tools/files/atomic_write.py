"""Writing a file so that whoever reads it sees the old content or the new, never a part."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress

from matrx_tools.files.open_file import refusal
from matrx_tools.types import ToolError


def write_atomically(path: str, data: bytes) -> None:
    """Replace the file at `path`, or make it. Raises ToolError.

    A temporary file in the same directory is written, synced and renamed. The mode of a replaced file stays, and its
    owner where the system lets us; a new one gets the usual mode. A symbolic link stays one: its target is replaced.
    """
    target = os.path.realpath(path)
    try:
        before = os.stat(target)
    except FileNotFoundError:
        before = None
    except OSError as error:
        raise refusal(path, error) from error
    if before is not None and not stat.S_ISREG(before.st_mode):
        raise ToolError(f"{path} is not a regular file; it cannot be written.")
    if before is not None and not os.access(target, os.W_OK, effective_ids=True):
        # Renaming needs no right to the file itself: without this look a file made read-only would be replaced all the same.
        raise ToolError(f"Permission denied: {path} is read-only.")
    temporary = os.path.join(os.path.dirname(target), f".{os.path.basename(target)[:200]}.{secrets.token_hex(6)}.tmp")
    try:
        _write_new(temporary, data, before)
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise refusal(path, error) from error
        raise


def _write_new(path: str, data: bytes, like: os.stat_result | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if like is not None:
            with suppress(PermissionError):
                os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        os.fsync(descriptor)
