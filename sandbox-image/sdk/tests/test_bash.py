"""Bash: commands that are waited for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from matrx_tools import ToolResult, ToolSession
from matrx_tools.shell.output import HeadAndTail

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


async def gone(pid: int) -> bool:
    """Whether a process ends within some seconds (a zombie has ended)."""

    def state() -> str:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return "Z"

    async with asyncio.timeout(20):
        while state() != "Z":
            await asyncio.sleep(0.01)
    return True


async def test_stdout_and_stderr_come_together(call: Call) -> None:
    """stdout and stderr in the order in which they were written, without the last line end [A8.7]"""
    result = await call("Bash", command="echo one; echo two >&2; echo three", description="count")
    assert result.output == "one\ntwo\nthree"
    assert (await call("Bash", command="true")).output == ""


async def test_an_exit_code_is_shown(call: Call) -> None:
    """[Exit code: n] for what did not end with 0 [A8.7]"""
    assert (await call("Bash", command="echo x; exit 3")).output == "x\n\n[Exit code: 3]"
    assert (await call("Bash", command="false")).output == "[Exit code: 1]"
    assert (await call("Bash", command="kill -9 $$")).output == "[Exit code: -9]"
    result = await call("Bash", command="no-such-program")
    assert "command not found" in result.output and "[Exit code: 127]" in result.output


async def test_the_working_directory_stays(call: Call, session: ToolSession, folder: Path) -> None:
    """cwd persists from call to call, also past exit and set -e; variables do not [A8.7]"""
    (folder / "a/b c").mkdir(parents=True)
    await call("Bash", command="cd 'a/b c'; X=1")
    assert session.cwd == f"{folder}/a/b c"
    assert (await call("Bash", command="pwd; echo [$X]")).output == f"{folder}/a/b c\n[]"
    await call("Bash", command="cd ..; exit 7")
    assert session.cwd == f"{folder}/a"
    await call("Bash", command="set -e; cd ..; false; echo not reached")
    assert session.cwd == str(folder)
    await call("Bash", command="(cd a)")
    assert session.cwd == str(folder)
    await call("Bash", command="cd a; exec true")
    assert session.cwd == str(folder)


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("echo x &", "x"),
        ("echo x # comment", "x"),
        ("cat <<END\nx\nEND", "x"),
        ("cat <<END\nx\nEND\n", "x"),
        ("echo x;", "x"),
        ("echo x\n\n", "x"),
        ("echo '}'", "}"),
        ('echo "$0 $# [$1]"', "bash 0 []"),
        ("if true; then\n  echo x\nfi", "x"),
        ("f() { echo x; }; f", "x"),
        ("trap 'echo bye' EXIT; echo x", "x\nbye"),
        ("echo x\\\ny", "xy"),
        ('exec 9>nine; cd /; cat "$OLDPWD/nine"; echo x', "x"),
    ],
)
async def test_a_command_is_what_it_is(call: Call, command: str, output: str) -> None:
    """Commands that end in &, in a comment or a heredoc run as they stand: nothing is wrapped around them [A8.7]"""
    assert (await call("Bash", command=command)).output == output


async def test_a_syntax_error_is_bashs_own(call: Call) -> None:
    """A command that is none is an answer [A8.7]"""
    output = (await call("Bash", command="if")).output
    assert "syntax error" in output and "[Exit code: " in output


async def test_home_and_user_are_the_agents(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME and USER are the agent's, whoever runs the SDK; other variables are passed on [A8.7]"""
    monkeypatch.setenv("HOME", "/root")
    monkeypatch.setenv("USER", "root")
    monkeypatch.setenv("MARK", "here")
    assert (await call("Bash", command="echo $HOME $USER $LOGNAME $MARK")).output == "/home/agent agent agent here"


async def test_there_is_no_input(call: Call) -> None:
    """A command that reads gets the end of its input at once [A8.7]"""
    assert (await call("Bash", command="cat; read x; echo $?")).output == "1"


async def test_long_output_is_cut(call: Call) -> None:
    """30,000 characters, the beginning and the end, with a note of what is missing [A8.7]"""
    whole = await call("Bash", command="printf 'x%.0s' $(seq 30000)")
    assert whole.output == "x" * 30_000
    result = await call("Bash", command="echo first; seq 100000; echo last")
    assert result.output.startswith("first\n1\n2\n") and result.output.endswith("99999\n100000\nlast")
    assert "[output truncated at 30000 characters: " in result.output
    assert len(result.output) < 30_100


async def test_endless_output_is_held_in_bounded_memory(call: Call) -> None:
    """A command that writes without end is killed at its time, and its output has a bounded size [A8.7] [T12]"""
    result = await call("Bash", command="yes", timeout=500)
    assert len(result.output) < 30_200 and result.output.endswith("[Command timed out after 0.5s]")


async def test_output_that_is_no_text(call: Call) -> None:
    """Bytes that are not UTF-8 are replaced [A8.7]"""
    assert (await call("Bash", command="printf 'caf\\351\\0x'")).output == "caf\ufffd\0x"


async def test_a_time_out_is_said(call: Call, session: ToolSession) -> None:
    """[Command timed out after Ns], with what was written until then; the directory stays as it was [A8.7]"""
    before = session.cwd
    result = await call("Bash", command="cd /; echo begun; sleep 600", timeout=1000)
    assert result.output == "begun\n\n[Command timed out after 1s]"
    assert result.metadata == {"exit_code": None, "timed_out": True, "cwd": before}


async def test_a_time_out_kills_all_that_was_started(call: Call, folder: Path) -> None:
    """The time-out killed the shell alone: what it had started ran on, and held the pipe [T12] [A8.7]"""
    command = "sleep 600 & echo $! > one; (trap '' TERM HUP INT; sleep 600 & echo $! > two; wait) & sleep 600"
    await call("Bash", command=command, timeout=1500)
    for name in ("one", "two"):
        assert await gone(int((folder / name).read_text()))


async def test_the_default_and_the_greatest_time(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """120 s if nothing is said, 600 s at most [A8.7]"""
    seen: list[float] = []

    async def run(command: str, cwd: str, seconds: float) -> object:
        seen.append(seconds)
        raise OSError("enough")

    monkeypatch.setattr("matrx_tools.shell.bash.run_foreground", run)
    for timeout in ({}, {"timeout": 5000}, {"timeout": 600_000}, {"timeout": 3_600_000}):
        with pytest.raises(AssertionError):
            await call("Bash", command="true", **timeout)
    assert seen == [120, 5, 600, 600]


async def test_what_a_command_leaves_running_does_not_hold_it(call: Call, session: ToolSession, folder: Path) -> None:
    """`server &` hung the call until its time was over, since the server held the pipe; and it is not killed [A8.7]"""
    result = await call("Bash", command="(sleep 600; echo late) & echo $! > pid; echo started")
    assert result.output == (
        "started\n\n[Something this command started still runs; what it writes from here on is dropped.]"
    )
    pid = int((folder / "pid").read_text())
    assert Path(f"/proc/{pid}").exists() and len(session.draining) == 1
    os.kill(pid, 9)
    assert await gone(pid)


async def test_a_background_process_that_writes_much_is_not_stopped_by_a_full_pipe(call: Call, folder: Path) -> None:
    """What is left running goes on even when it writes more than a pipe holds [A8.7]"""
    os.mkfifo(folder / "go")
    await call("Bash", command="(read < go; head -c 1000000 /dev/zero; echo done > end) & echo started")
    await asyncio.to_thread((folder / "go").write_text, "go\n")
    async with asyncio.timeout(20):
        while not (folder / "end").exists():
            await asyncio.sleep(0.01)


async def test_a_directory_that_is_gone(call: Call, refused: Refused, session: ToolSession, folder: Path) -> None:
    """A working directory that was removed: on in the nearest above it, and that is said [A8.7]"""
    await call("Bash", command="mkdir -p a/b; cd a/b; rmdir ../b")
    assert session.cwd == str(folder)
    await call("Bash", command="mkdir -p a/b; cd a/b")
    (folder / "a/b").rmdir()
    result = await call("Bash", command="pwd")
    assert result.output == f"[{folder}/a/b no longer exists; the working directory is now {folder}/a]\n\n{folder}/a"


async def test_what_cannot_be_run(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty, NUL, and longer than the system allows: answers [A8.7]"""
    for command in ("", " \n\t"):
        assert "must not be empty" in await refused("Bash", command=command)
    assert "NUL" in await refused("Bash", command="echo a\0b")
    assert "Write a script" in await refused("Bash", command="echo " + "x" * 200_000)
    assert "Invalid parameters" in await refused("Bash", command="true", timeout=0)
    monkeypatch.setattr("matrx_tools.shell.spawn.BASH", "/nowhere/bash")
    assert "could not be started" in await refused("Bash", command="true")


async def test_commands_side_by_side(call: Call) -> None:
    """Calls made at once do not mix [A8.7]"""
    results = await asyncio.gather(*(call("Bash", command=f"echo {number}; echo {number}") for number in range(8)))
    assert [result.output for result in results] == [f"{number}\n{number}" for number in range(8)]


async def test_no_file_stays_open(call: Call, refused: Refused) -> None:
    """Each command's pipes are closed when it is over: after a thousand there were no descriptors left"""
    await call("Bash", command="true")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        await call("Bash", command="true")
        await call("Bash", command="sleep 600", timeout=50)
        await refused("Bash", command="x" * 200_000)
    async with asyncio.timeout(20):  # transports close in the loop's next turns
        while len(os.listdir("/proc/self/fd")) > before:
            await asyncio.sleep(0.01)


def test_head_and_tail() -> None:
    """The two ends of a text, however it is cut into pieces, and characters that are cut in two [A8.7]"""
    for size in (1, 3, 7, 100):
        collected = HeadAndTail(10)
        data = "äöü".encode() + b"0123456789" + "äöü".encode()
        for start in range(0, len(data), size):
            collected.add(data[start : start + size])
        assert collected.text() == "äöü01\n\n[output truncated at 10 characters: 6 left out here]\n\n89äöü"
    small = HeadAndTail(10)
    small.add(b"0123456789")
    assert small.text() == "0123456789"
