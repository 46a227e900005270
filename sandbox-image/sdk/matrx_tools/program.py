"""Running a program of the image with arguments, never through a shell, with bounded output and time."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from matrx_tools.types import ToolError

CHUNK = 65536
MAX_ERROR_BYTES = 16384


@dataclass(frozen=True)
class Finished:
    """What a program left: `complete` is False if it wrote more than was wanted and was stopped."""

    exit_code: int
    output: bytes
    error: str
    complete: bool


def find_program(names: Sequence[str], package: str) -> str:
    """The path of the first of `names` that is installed. Raises ToolError naming the package."""
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    raise ToolError(f"{names[0]} is not installed here. Install the package {package}.")


def kill_group(pid: int) -> None:
    """SIGKILL to every process of the group that `pid` leads."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


async def run_program(
    arguments: Sequence[str],
    *,
    seconds: float,
    max_bytes: int,
    cwd: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run `arguments` and take at most `max_bytes` of its output. Raises ToolError on time-out.

    The program leads a process group of its own, and the whole group is gone when this returns.
    """
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        cwd=cwd,
        env=None if environment is None else dict(environment),
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        async with asyncio.timeout(seconds):
            error_task = asyncio.ensure_future(_head(process.stderr, MAX_ERROR_BYTES))
            try:
                output, complete = await _until(process.stdout, max_bytes)
                if not complete:
                    kill_group(process.pid)
                error = (await error_task).decode("utf-8", "replace").strip()
            finally:
                error_task.cancel()
            exit_code = await process.wait()
    except TimeoutError:
        name = os.path.basename(arguments[0])
        raise ToolError(f"{name} was stopped: it took longer than {seconds:.0f} s. Ask for less.") from None
    finally:
        kill_group(process.pid)
        if process.returncode is None:
            await process.wait()
    return Finished(exit_code, output, error, complete)


async def _until(stream: asyncio.StreamReader, limit: int) -> tuple[bytes, bool]:
    """Up to `limit` bytes, and whether the stream ended within them."""
    data = bytearray()
    while chunk := await stream.read(CHUNK):
        data += chunk
        if len(data) > limit:
            return bytes(data[:limit]), False
    return bytes(data), True


async def _head(stream: asyncio.StreamReader, limit: int) -> bytes:
    """The first `limit` bytes; the rest is taken and dropped, so that the writer does not stand still."""
    data = bytearray()
    while chunk := await stream.read(CHUNK):
        data += chunk[: max(0, limit - len(data))]
    return bytes(data)
