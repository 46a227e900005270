"""Starting bash for a command."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import suppress

from matrx_tools.shell.output import OutputPipe
from matrx_tools.types import ToolError

BASH = "/bin/bash"
MAX_COMMAND_BYTES = 100_000

# The command is an argument of its own and evaluated as it stands. Wrapped in braces instead, a command that ends in `&`,
# in a comment or in a heredoc would be another command. `set --` takes the argument out of its sight. The trap also runs
# when the command calls exit.
_PLAIN = 'eval "set --; $1"'
_REPORTING = "trap 'builtin pwd >&{fd}' EXIT; " + _PLAIN


def _environment() -> dict[str, str]:
    return {**os.environ, "HOME": "/home/agent", "USER": "agent", "LOGNAME": "agent"}


async def spawn(command: str, cwd: str, output: OutputPipe, report: int | None = None) -> asyncio.subprocess.Process:
    """bash running `command` in `cwd`, as the leader of a process group, writing to `output`.

    With `report`, a file descriptor, the shell's last working directory is written there. Raises ToolError.
    """
    script = _PLAIN if report is None else _REPORTING.format(fd=report)
    try:
        _check_size(command)
        process = await asyncio.create_subprocess_exec(
            *(BASH, "-c", script, "bash", command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output.write_end,
            stderr=output.write_end,
            cwd=cwd,
            env=_environment(),
            start_new_session=True,
            pass_fds=() if report is None else (report,),
        )
    except BaseException as error:
        output.abandon()
        if isinstance(error, OSError):
            raise ToolError(f"The command could not be started in {cwd}: {error.strerror or error}") from error
        raise
    output.close_write_end()
    return process


def _check_size(command: str) -> None:
    size = len(command.encode("utf-8"))
    if size > MAX_COMMAND_BYTES:
        raise ToolError(
            f"The command has {size} bytes; {MAX_COMMAND_BYTES} are the most that can be given to a shell. "
            "Write a script with Write and run that."
        )


class DirectoryReport:
    """The pipe on which a shell says where it was when it ended."""

    def __init__(self) -> None:
        self._read_end, write_end = os.pipe()
        # A high number: commands use low ones themselves (exec 9>lock), and the shell would then write into their file.
        self.write_end = write_end
        with suppress(OSError):
            self.write_end = fcntl.fcntl(write_end, fcntl.F_DUPFD_CLOEXEC, 900)
            os.close(write_end)
        os.set_blocking(self._read_end, False)

    def read(self) -> str | None:
        """The directory, if the shell has written one that is still there. What it left running may hold the pipe open:
        the read does not wait."""
        with suppress(BlockingIOError):
            line = os.read(self._read_end, 65536).removesuffix(b"\n")
            path = os.fsdecode(line)
            if os.path.isabs(path) and os.path.isdir(path):
                return path
        return None

    def close(self) -> None:
        """Both ends."""
        os.close(self._read_end)
        os.close(self.write_end)
