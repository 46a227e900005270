"""dispatch: every call gets an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from matrx_tools import TOOL_NAMES, ImageData, ToolResult, ToolResultType, ToolSession, dispatch
from matrx_tools import dispatcher as dispatcher_module
from matrx_tools.registry import TOOLS
from matrx_tools.tool import Tool
from matrx_tools.types import success

pytestmark = pytest.mark.anyio


async def test_an_unknown_tool_is_answered_with_the_tools_there_are(session: ToolSession) -> None:
    """An unknown tool lists the tools [A8.1]"""
    for name in ("Reed", "", "read", None, 7, ["Read"]):
        result = await dispatch(name, {}, session)  # type: ignore[arg-type]
        assert result.type is ToolResultType.ERROR
        assert all(tool in result.output for tool in TOOL_NAMES)


@pytest.mark.parametrize(
    "tool_input", [{}, {"file_path": 7}, {"file_path": "/x", "colour": "red"}, None, [], "x", {1: 2}]
)
async def test_wrong_parameters_are_named(session: ToolSession, tool_input: Any) -> None:
    """Parameters that do not fit: "Invalid parameters for X" and which [A8.1]"""
    result = await dispatch("Read", tool_input, session)
    assert result.type is ToolResultType.ERROR
    assert result.output.startswith("Invalid parameters for Read: ")


async def test_the_wrong_parameter_is_in_the_answer(refused: Callable[..., Awaitable[str]]) -> None:
    """The answer names the parameter and what is wrong with it [A8.1]"""
    assert "colour: is not a parameter of this tool" in await refused("Read", file_path="/x", colour="red")
    assert "file_path: Field required" in await refused("Read")
    assert "file_path: Value error, holds a NUL character" in await refused("Read", file_path="/a\0b")


async def test_what_a_tool_raises_is_its_answer(session: ToolSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception becomes "Tool X failed: Type: msg" [A8.1]"""

    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text either")

    for error, text in (
        (KeyError("k"), "Tool Read failed: KeyError: 'k'"),
        (ExceptionGroup("two", [ValueError("a")]), "Tool Read failed: ExceptionGroup: two (1 sub-exception)"),
        (RecursionError("deep"), "Tool Read failed: RecursionError: deep"),
        (Odd(), "Tool Read failed: Odd: <Odd>"),
    ):

        async def run(parameters: Any, session: ToolSession, error: Exception = error) -> ToolResult:
            raise error

        broken = Tool("Read", "", TOOLS["Read"].parameters, run)
        monkeypatch.setattr(dispatcher_module, "TOOLS", {"Read": broken})
        result = await dispatch("Read", {"file_path": "/x"}, session)
        assert (result.type, result.output) == (ToolResultType.ERROR, text)


async def test_even_a_broken_session_is_an_answer() -> None:
    """dispatch does not raise for a session that is none [A8.1]"""
    result = await dispatch("Read", {"file_path": "/x"}, None)  # type: ignore[arg-type]
    assert result.output.startswith("Tool Read failed: AttributeError")


async def test_a_cancelled_call_is_cancelled(session: ToolSession, folder: Path) -> None:
    """Cancelling is the caller's own doing: it is passed on, and the command is killed [A8.1]"""
    started = folder / "started"
    task = asyncio.create_task(
        dispatch("Bash", {"command": f"echo $$ > {started}.new; mv {started}.new {started}; sleep 600"}, session)
    )
    async with asyncio.timeout(20):
        while not started.exists():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until_gone(int(started.read_text()))


async def _until_gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while _state(pid) not in ("", "Z"):
            await asyncio.sleep(0.01)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_a_result_is_plain_json() -> None:
    """ToolResult: type success|error, output, image{media_type,base64_data}?, metadata? [A8.1]"""
    result = ToolResult(output="x", image=ImageData(media_type="image/png", base64_data="AAAA"), metadata={"a": 1})
    assert json.loads(result.model_dump_json()) == {
        "type": "success",
        "output": "x",
        "image": {"media_type": "image/png", "base64_data": "AAAA"},
        "metadata": {"a": 1},
    }
    assert ToolResult().model_dump() == {"type": "success", "output": "", "image": None, "metadata": None}
    assert ToolResult(type="error").type is ToolResultType.ERROR  # type: ignore[arg-type]


def test_an_output_that_no_json_can_hold_is_made_one_that_can() -> None:
    r"""A file name that is not UTF-8 reaches the output as \udcff, which JSON refuses: the answer was an exception"""
    result = success(b"caf\xff.txt".decode("utf-8", "surrogateescape"))
    assert json.loads(result.model_dump_json())["output"] == "caf\\udcff.txt"


@pytest.mark.parametrize("name", sorted(name for name in TOOL_NAMES if not name.startswith("Browser")))
async def test_nonsense_never_raises(session: ToolSession, name: str) -> None:
    """Any tool, any nonsense: an answer (those of the browser in tests/browser) [A8.1]"""
    odd: list[Any] = [None, -1, 1e308, float("nan"), "\0", "\ud800", "x" * 10_000, [], {}, True]
    required = TOOLS[name].definition()["input_schema"]["required"]
    known = list(TOOLS[name].definition()["input_schema"]["properties"])
    for value in odd:
        for tool_input in ({key: value for key in known}, {**dict.fromkeys(required, value), "surprise": value}):
            if tool_input:
                result = await dispatch(name, tool_input, session)
                assert isinstance(result, ToolResult)
