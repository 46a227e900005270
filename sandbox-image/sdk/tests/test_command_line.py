"""matrx-tools: the tools from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrx_tools import TOOL_NAMES, ToolResult, ToolSession
from matrx_tools import smoke as smoke_module
from matrx_tools.__main__ import main


def test_list_names_the_tools(capsys: pytest.CaptureFixture[str]) -> None:
    """`list` names all 26"""
    assert main(["list"]) == 0
    assert set(capsys.readouterr().out.split()) == TOOL_NAMES


def test_call_prints_a_result(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """`call` prints JSON, and ends with 1 if the tool failed"""
    (folder / "a").write_text("x")
    assert main(["call", "Read", json.dumps({"file_path": str(folder / "a")})]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == "     1\tx"
    assert main(["call", "Read", '{"file_path": "/nowhere"}']) == 1
    assert json.loads(capsys.readouterr().out)["type"] == "error"
    assert main(["call", "Nope"]) == 1
    assert main(["call", "Read", "[]"]) == 1
    with pytest.raises(SystemExit, match="2"):
        main(["call", "Read", "{"])


def test_smoke_tries_all_tools_but_the_browsers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`smoke` does real work with each tool"""
    monkeypatch.setenv("MATRX_SEARCH_URL", "")
    assert main(["smoke", "--without-browser"]) == 0
    output = capsys.readouterr().out
    assert output.endswith("14 passed, 0 failed\n") and "FAILED" not in output


def test_smoke_fails_when_a_tool_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The original's smoke test ended with "All tests passed" whatever its tools did [T11]"""
    real = smoke_module.dispatch
    monkeypatch.setenv("MATRX_SEARCH_URL", "")

    async def dispatch(name: str, tool_input: dict[str, object], session: ToolSession) -> ToolResult:
        if name == "Grep":
            return ToolResult(type="error", output="it broke")  # type: ignore[arg-type]
        if name == "Read":
            return ToolResult(output="something else")
        return await real(name, tool_input, session)

    monkeypatch.setattr(smoke_module, "dispatch", dispatch)
    assert main(["smoke", "--without-browser"]) == 1
    output = capsys.readouterr().out
    assert "FAILED  Grep: it broke\n" in output and "FAILED  Read: something else\n" in output


def test_smoke_fails_when_a_tool_is_not_tried(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that is added without a trial is a failure"""
    monkeypatch.setenv("MATRX_SEARCH_URL", "")
    monkeypatch.setattr(smoke_module, "TOOLS", {**smoke_module.TOOLS, "New": None})
    assert main(["smoke", "--without-browser"]) == 1
    assert "FAILED  New: not tried\n" in capsys.readouterr().out
