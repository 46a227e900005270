"""Bash: run a command."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import AfterValidator, Field

from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.shell.background import BackgroundShell
from matrx_tools.shell.foreground import MAX_OUTPUT_CHARACTERS, Ended, run_foreground
from matrx_tools.tool import Tool
from matrx_tools.types import ToolError, ToolResult, success

DEFAULT_TIMEOUT_MS = 120_000
MAX_TIMEOUT_MS = 600_000


def _runnable(command: str) -> str:
    if not command.strip():
        raise ValueError("must not be empty")
    if "\0" in command:
        raise ValueError("holds a NUL character, which no command can")
    return command


class BashParameters(Parameters):
    """Parameters of Bash."""

    command: Annotated[str, AfterValidator(_runnable)] = Field(description="The command")
    description: str | None = Field(None, description="What it does, in a few words, for people who watch")
    timeout: Annotated[float, AfterValidator(lambda value: min(value, MAX_TIMEOUT_MS))] | None = Field(
        None,
        gt=0,
        description=f"Milliseconds it may take: {DEFAULT_TIMEOUT_MS} if left out, at most {MAX_TIMEOUT_MS}",
    )
    run_in_background: bool = Field(False, description="Do not wait for it; BashOutput shows its output later")


async def bash(parameters: BashParameters, session: ToolSession) -> ToolResult:
    """Run a command in the session's working directory."""
    moved = _return_from_lost_directory(session)
    if parameters.run_in_background:
        return await _start(parameters.command, session)
    seconds = (parameters.timeout or DEFAULT_TIMEOUT_MS) / 1000
    ended = await run_foreground(parameters.command, session.cwd, seconds)
    if ended.cwd is not None:
        session.cwd = ended.cwd
    if ended.still_writing is not None:
        session.draining.add(ended.still_writing)
        ended.still_writing.add_done_callback(session.draining.discard)
    return success(
        "\n\n".join(part for part in (moved, *_parts(ended, seconds)) if part),
        metadata={"exit_code": ended.exit_code, "timed_out": ended.exit_code is None, "cwd": session.cwd},
    )


async def _start(command: str, session: ToolSession) -> ToolResult:
    shell = await BackgroundShell.start(session.next_shell_id(), command, session.cwd)
    session.background_shells[shell.shell_id] = shell
    return success(
        f"Started in the background as {shell.shell_id}. BashOutput shows its output, TaskStop ends it.",
        metadata={"bash_id": shell.shell_id},
    )


def _parts(ended: Ended, seconds: float) -> list[str]:
    parts = [ended.output.rstrip("\n")]
    if ended.exit_code is None:
        parts.append(f"[Command timed out after {seconds:g}s]")
    elif ended.exit_code != 0:
        parts.append(f"[Exit code: {ended.exit_code}]")
    if ended.still_writing is not None:
        parts.append("[Something this command started still runs; what it writes from here on is dropped.]")
    return parts


def _return_from_lost_directory(session: ToolSession) -> str:
    """A working directory may be removed under us: go on in the nearest one above it that is there, and say so."""
    lost = session.cwd
    while not os.path.isdir(session.cwd):
        parent = os.path.dirname(session.cwd)
        if parent == session.cwd:
            raise ToolError(f"The working directory {lost} does not exist, nor does any above it.")
        session.cwd = parent
    return "" if session.cwd == lost else f"[{lost} no longer exists; the working directory is now {session.cwd}]"


BASH = Tool(
    name="Bash",
    description=(
        "Run a bash command. The working directory stays from one call to the next; variables and functions do not. "
        f"stdout and stderr come together, at most {MAX_OUTPUT_CHARACTERS} characters; of more, the beginning and the end. "
        f"After {DEFAULT_TIMEOUT_MS // 1000} seconds (or timeout) the command and all it started are killed. For servers "
        "and long work use run_in_background. To read, change or find files the other tools are better."
    ),
    parameters=BashParameters,
    run=bash,
)
