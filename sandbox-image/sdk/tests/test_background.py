"""Bash in the background, BashOutput, TaskStop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from matrx_tools import ToolResult, ToolSession
from matrx_tools.shell import background
from matrx_tools.shell.output import LineBuffer

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


@pytest.fixture
def start(call: Call) -> Callable[[str], Awaitable[str]]:
    async def started(command: str) -> str:
        result = await call("Bash", command=command, run_in_background=True)
        assert result.metadata is not None
        return str(result.metadata["bash_id"])

    return started


@pytest.fixture
def output_until(call: Call) -> Callable[[str, str], Awaitable[str]]:
    async def collected(shell_id: str, text: str) -> str:
        """The output of BashOutput, called until `text` was in it."""
        output = ""
        async with asyncio.timeout(20):
            while text not in output:
                output += (await call("BashOutput", bash_id=shell_id)).output + "\n"
                await asyncio.sleep(0.01)
        return output

    return collected


async def test_only_new_lines_are_shown(
    call: Call, start: Callable[[str], Awaitable[str]], output_until: Callable[[str, str], Awaitable[str]], folder: Path
) -> None:
    """BashOutput: what came since the last call, and whether the command runs or how it ended [A8.7]"""
    os.mkfifo(folder / "go")
    shell_id = await start("echo one; echo two; read < go; echo three; exit 4")
    lines = (await output_until(shell_id, "two")).split("\n")
    assert [line for line in lines if line and not line.startswith("[Shell")] == ["one", "two"]
    assert (await call("BashOutput", bash_id=shell_id)).output == f"[Shell {shell_id}: running]"
    await asyncio.to_thread((folder / "go").write_text, "go\n")
    output = await output_until(shell_id, "completed")
    assert "three" in output and "two" not in output
    assert (await call("BashOutput", bash_id=shell_id)).output == f"[Shell {shell_id}: completed, exit code: 4]"


async def test_a_filter_consumes_what_it_does_not_show(
    call: Call, refused: Refused, start: Callable[[str], Awaitable[str]], session: ToolSession
) -> None:
    """filter: only lines that match, and the others are gone; a wrong expression consumes nothing [A8.7]"""
    shell_id = await start("echo error 1; echo fine; echo error 2; echo no end of line | tr -d '\\n'")
    await session.background_shells[shell_id].wait()
    assert "is not a regular expression" in await refused("BashOutput", bash_id=shell_id, filter="(")
    shown = await call("BashOutput", bash_id=shell_id, filter=r"^error \d|end")
    end = f"[Shell {shell_id}: completed, exit code: 0]"
    assert shown.output == f"error 1\nerror 2\nno end of line\n{end}"
    assert (await call("BashOutput", bash_id=shell_id)).output == end


async def test_it_runs_in_the_sessions_directory(
    call: Call, start: Callable[[str], Awaitable[str]], session: ToolSession, folder: Path
) -> None:
    """A background command starts in cwd and does not move it [A8.7]"""
    (folder / "a").mkdir()
    session.cwd = str(folder / "a")
    shell_id = await start("pwd; cd /")
    await session.background_shells[shell_id].wait()
    assert (await call("BashOutput", bash_id=shell_id)).output.startswith(f"{folder}/a\n")
    assert session.cwd == f"{folder}/a"


def state_of(pid: int) -> str:
    """The letter that the kernel has for it; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


async def test_task_stop_kills_all_that_was_started(
    call: Call, start: Callable[[str], Awaitable[str]], output_until: Callable[[str, str], Awaitable[str]]
) -> None:
    """TaskStop: SIGKILL to the whole group, exit code -9; the last output can still be read [A8.7] [T12]"""
    shell_id = await start("trap '' TERM; sleep 600 & echo pid $!; echo up; wait")
    output = await output_until(shell_id, "up")
    pid = int(output.partition("pid ")[2].split()[0])
    result = await call("TaskStop", task_id=shell_id)
    assert result.output == f"Task {shell_id} has been stopped."
    assert (await call("BashOutput", bash_id=shell_id)).output == f"[Shell {shell_id}: completed, exit code: -9]"
    # What was sent SIGKILL needs a moment until it is no more.
    async with asyncio.timeout(10):
        while state_of(pid) not in ("", "Z"):
            await asyncio.sleep(0.01)
    assert "already completed (exit code: -9)" in (await call("TaskStop", task_id=shell_id)).output


async def test_a_shell_is_running_as_long_as_what_it_started_writes(
    call: Call,
    start: Callable[[str], Awaitable[str]],
    output_until: Callable[[str, str], Awaitable[str]],
    session: ToolSession,
) -> None:
    """`server &` in the background: it is shown, and TaskStop reaches it, though the shell itself has ended [A8.7]"""
    shell_id = await start("(echo serving; sleep 600) &")
    assert "serving" in await output_until(shell_id, "serving")
    await session.background_shells[shell_id].process.wait()
    assert (await call("BashOutput", bash_id=shell_id)).output == f"[Shell {shell_id}: running]"
    await call("TaskStop", task_id=shell_id)
    assert session.background_shells[shell_id].return_code == -9


async def test_unknown_ids_are_answers(refused: Refused, start: Callable[[str], Awaitable[str]]) -> None:
    """An id that is none: the answer names those there are [A8.7]"""
    assert "Known: none" in await refused("BashOutput", bash_id="shell_9")
    await start("true")
    assert "Known: shell_1" in await refused("TaskStop", task_id="shell_9")


async def test_nobody_reads_and_memory_stays_bounded(
    call: Call, start: Callable[[str], Awaitable[str]], session: ToolSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The buffer of a background command grew without end; it keeps the newest lines and says how many went [T12]"""
    monkeypatch.setattr(background, "MAX_CHARACTERS", 1000)
    shell_id = await start("seq 1 200000")
    await session.background_shells[shell_id].wait()
    result = await call("BashOutput", bash_id=shell_id)
    first, *_, last, _ = result.output.split("\n")
    assert first.endswith("earlier lines were dropped: at most 1000000 characters are kept]") and last == "200000"
    assert len(result.output) < 1200
    assert result.metadata is not None and result.metadata["dropped_lines"] > 199_000


def test_the_line_buffer_counts_what_it_drops() -> None:
    """Lines, pieces of lines, lines without end, and the count of those dropped [T12]"""
    buffer = LineBuffer(max_characters=20, max_line=8)
    buffer.add("a\nbä".encode()[:-1])
    assert buffer.take() == (["a"], 0)
    buffer.add("ä".encode()[1:] + b"c\n")
    assert buffer.take() == (["bäc"], 0)
    buffer.add(b"0123456789abcdef0")
    assert buffer.take() == (["01234567", "89abcdef"], 0)
    buffer.end()
    assert buffer.take() == (["0"], 0)
    buffer.add(b"".join(b"%d\n" % number for number in range(100)))
    assert buffer.take() == (["94", "95", "96", "97", "98", "99"], 94)
    assert buffer.take() == ([], 0)
