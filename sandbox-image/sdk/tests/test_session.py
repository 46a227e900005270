"""ToolSession."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from matrx_tools import ToolResult, ToolSession

pytestmark = pytest.mark.anyio


def test_the_working_directory_is_the_argument_then_hot_path_then_home(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cwd = arg > HOT_PATH > /home/agent [A8.2]"""
    assert ToolSession().cwd == "/home/agent"
    monkeypatch.setenv("HOT_PATH", "/hot")
    assert ToolSession().cwd == "/hot"
    assert ToolSession(str(folder)).cwd == str(folder)
    assert ToolSession(working_dir=folder).cwd == str(folder)


def test_a_new_session_knows_nothing() -> None:
    """files_read, background_shells, todos and browser of a new session [A8.2]"""
    session = ToolSession()
    assert (session.files_read, session.background_shells, session.todos) == (set(), {}, [])
    assert not session.browser.is_running


def test_paths_are_seen_from_the_working_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """resolve_path: absolute as it is, relative from cwd, ~ the home [A8.2]"""
    session = ToolSession(folder)
    assert session.resolve_path("/etc/hosts") == "/etc/hosts"
    assert session.resolve_path("a/b") == f"{folder}/a/b"
    assert session.resolve_path("~/x") == "/home/agent/x"
    monkeypatch.setenv("HOT_PATH", "/hot")
    assert session.resolve_path("~") == "/hot"


def test_a_file_is_known_under_all_its_names(folder: Path) -> None:
    """mark_file_read and has_read_file go by the real path [A8.2]"""
    session = ToolSession(folder)
    (folder / "file").write_text("x")
    (folder / "link").symlink_to("file")
    assert not session.has_read_file(str(folder / "file"))
    session.mark_file_read(str(folder / "link"))
    assert session.has_read_file(str(folder / "file"))
    assert session.files_read == {os.path.realpath(folder / "file")}


async def test_cleanup_kills_the_background_shells(
    call: Callable[..., Awaitable[ToolResult]], session: ToolSession
) -> None:
    """cleanup() kills shells and what they started; shells are shell_1, shell_2, …; it may be called again [A8.2]"""
    for number in (1, 2):
        result = await call("Bash", command="sleep 600 & sleep 600", run_in_background=True)
        assert result.metadata == {"bash_id": f"shell_{number}"}
    assert list(session.background_shells) == ["shell_1", "shell_2"]
    await session.cleanup()
    await session.cleanup()
    assert all(shell.is_complete and shell.return_code == -9 for shell in session.background_shells.values())


async def test_todos_are_kept(call: Callable[..., Awaitable[ToolResult]], refused: Any, session: ToolSession) -> None:
    """TodoWrite validates, replaces the list and counts [A8.8]"""
    item = {"content": "Test it", "activeForm": "Testing it"}
    result = await call("TodoWrite", todos=[{**item, "status": "completed"}, {**item, "status": "pending"}])
    assert "2 items (1 completed, 0 in_progress, 1 pending)" in result.output
    await call("TodoWrite", todos=[{**item, "status": "in_progress"}])
    assert [one.model_dump() for one in session.todos] == [{**item, "status": "in_progress"}]
    for wrong in ({"status": "done"}, {"status": "pending", "content": ""}, {"status": "pending", "extra": 1}):
        assert "Invalid parameters for TodoWrite" in await refused("TodoWrite", todos=[{**item, **wrong}])
    assert len(session.todos) == 1
    await call("TodoWrite", todos=[])
    assert session.todos == []
