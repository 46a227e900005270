"""A command that runs while the model goes on.

running: the shell, or something it started that still holds its output, is alive. complete: all of them are gone, or were
killed by `stop`. There is no way back.
"""

from __future__ import annotations

import asyncio

from matrx_tools.program import kill_group
from matrx_tools.shell.output import LineBuffer, OutputPipe
from matrx_tools.shell.spawn import spawn

MAX_CHARACTERS = 1_000_000
MAX_LINE = 65_536
STOP_SECONDS = 5.0


class BackgroundShell:
    """One background command and what it has written since it was last asked."""

    def __init__(self, shell_id: str, process: asyncio.subprocess.Process, output: OutputPipe) -> None:
        self.shell_id = shell_id
        self.process = process
        self.is_complete = False
        self.return_code: int | None = None
        self._buffer = LineBuffer(MAX_CHARACTERS, MAX_LINE)
        self._following = asyncio.create_task(self._follow(output))

    @classmethod
    async def start(cls, shell_id: str, command: str, cwd: str) -> BackgroundShell:
        """Start `command` in `cwd`. Raises ToolError."""
        output = OutputPipe()
        return cls(shell_id, await spawn(command, cwd, output), output)

    def take(self) -> tuple[list[str], int]:
        """The lines since the last call, and how many before them were dropped since nobody asked in time."""
        return self._buffer.take()

    async def wait(self) -> None:
        """Until it is complete."""
        await asyncio.shield(self._following)

    async def stop(self) -> None:
        """SIGKILL to the whole process group; returns once it is gone."""
        if self.is_complete:
            return
        self.return_code = -9
        kill_group(self.process.pid)
        await self.process.wait()
        # What has made itself a session of its own is out of the group, and may hold the pipe for ever.
        await asyncio.wait({self._following}, timeout=STOP_SECONDS)
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        self.is_complete = True

    async def _follow(self, output: OutputPipe) -> None:
        async for chunk in output.chunks():
            self._buffer.add(chunk)
        self._buffer.end()
        exit_code = await self.process.wait()
        if self.return_code is None:
            self.return_code = exit_code
        self.is_complete = True
