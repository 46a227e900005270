"""A command that is waited for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from matrx_tools.program import kill_group
from matrx_tools.shell.output import HeadAndTail, OutputPipe
from matrx_tools.shell.spawn import DirectoryReport, spawn

MAX_OUTPUT_CHARACTERS = 30_000
REST_SECONDS = 0.5
"""How long the output of an ended shell may take to arrive: longer only if something it started still writes."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    output: str
    exit_code: int | None
    """None if it ran out of time."""
    cwd: str | None
    """Where the shell was at its end, if it could say so."""
    still_writing: asyncio.Task[None] | None
    """The reader of what the command has left running; it goes on taking, and dropping, the output."""


async def run_foreground(command: str, cwd: str, seconds: float) -> Ended:
    """Run `command` until it ends, or kill its whole process group after `seconds`. Raises ToolError."""
    output = OutputPipe()
    report = DirectoryReport()
    try:
        process = await spawn(command, cwd, output, report.write_end)
        collected = HeadAndTail(MAX_OUTPUT_CHARACTERS)
        reading = asyncio.create_task(_collect(output, collected))
        try:
            exit_code = await _exit_code(process, seconds)
            await asyncio.wait({reading}, timeout=REST_SECONDS)
        except BaseException:
            kill_group(process.pid)
            reading.cancel()
            raise
        text = collected.text()
        still_writing = None if reading.done() else reading
        return Ended(text, exit_code, report.read() if exit_code is not None else None, still_writing)
    finally:
        report.close()


async def _exit_code(process: asyncio.subprocess.Process, seconds: float) -> int | None:
    try:
        async with asyncio.timeout(seconds):
            return await process.wait()
    except TimeoutError:
        # The group, not the shell alone: what it started would go on, and hold the pipe.
        kill_group(process.pid)
        await process.wait()
        return None


async def _collect(output: OutputPipe, collected: HeadAndTail) -> None:
    async for chunk in output.chunks():
        collected.add(chunk)
