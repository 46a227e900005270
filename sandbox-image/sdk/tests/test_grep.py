"""Grep."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from matrx_tools import ToolResult
from matrx_tools.search import grep as grep_module

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


@pytest.fixture
def tree(folder: Path) -> Path:
    files = {
        "a.py": "import os\n# TODO one\nx = 1\n# todo two\n",
        "b.ts": "// TODO three\nlet a = {};\n",
        "sub/c.py": "start(\n  1,\n)\nTODO\n",
        ".env": "TODO=4\n",
        "ignored/d.py": "TODO five\n",
        ".git/config": "TODO six\n",
        ".gitignore": "ignored\n",
        "-n": "TODO seven\n",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


async def lines(call: Call, tree: Path, **options: Any) -> list[str]:
    return (await call("Grep", **options)).output.replace(f"{tree}/", "").split("\n")


async def test_files_with_matches(call: Call, tree: Path) -> None:
    """The default: paths of files that match, in order; hidden ones too, ignored ones and .git not [A8.5]"""
    assert await lines(call, tree, pattern="TODO") == ["-n", ".env", "a.py", "b.ts", "sub/c.py"]


async def test_content_with_and_without_numbers(call: Call, tree: Path) -> None:
    """content shows lines, with numbers unless -n is false [A8.5]"""
    options = {"pattern": "TODO", "output_mode": "content", "path": "a.py"}
    assert await lines(call, tree, **options) == ["a.py:2:# TODO one"]
    assert await lines(call, tree, **options, **{"-n": False}) == ["a.py:# TODO one"]
    assert await lines(call, tree, **options, **{"-i": True}) == ["a.py:2:# TODO one", "a.py:4:# todo two"]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({"-A": 1}, ["a.py:2:", "a.py-3-"]),
        ({"-B": 1}, ["a.py-1-", "a.py:2:"]),
        ({"-C": 1}, ["a.py-1-", "a.py:2:", "a.py-3-"]),
        ({"context": 1}, ["a.py-1-", "a.py:2:", "a.py-3-"]),
        ({"-C": 0, "-A": 2}, ["a.py:2:", "a.py-3-", "a.py-4-"]),
    ],
)
async def test_context(call: Call, tree: Path, options: dict[str, int], numbers: list[str]) -> None:
    """-A, -B, -C and context show lines around a match [A8.5]"""
    found = await lines(call, tree, pattern="TODO", output_mode="content", path="a.py", **options)
    assert [line[: len("a.py:2:")] for line in found] == numbers


async def test_count(call: Call, tree: Path) -> None:
    """count shows matching lines a file [A8.5]"""
    assert await lines(call, tree, pattern="todo", output_mode="count", glob="*.py", **{"-i": True}) == [
        "a.py:2",
        "sub/c.py:1",
    ]


async def test_glob_and_type(call: Call, refused: Refused, tree: Path) -> None:
    """glob and type choose files; an unknown type is an answer [A8.5]"""
    assert await lines(call, tree, pattern="TODO", glob="*.{ts,tsx}") == ["b.ts"]
    assert await lines(call, tree, pattern="TODO", type="py") == ["a.py", "sub/c.py"]
    assert "unrecognized file type" in await refused("Grep", pattern="TODO", type="nope")


async def test_multiline(call: Call, refused: Refused, tree: Path) -> None:
    """With multiline a match crosses lines, and . matches their ends; without it that is an error that says so [A8.5]"""
    assert await lines(call, tree, pattern=r"start\(.*?\)", multiline=True) == ["sub/c.py"]
    assert (await call("Grep", pattern=r"start\(.*?\)")).output == "No matches found."
    assert "multiline" in await refused("Grep", pattern="a\nb")


async def test_head_limit_and_offset_go_through_the_results(call: Call, tree: Path) -> None:
    """head_limit and offset: pages of one and the same order [A8.5]"""
    pages = [await lines(call, tree, pattern="TODO", head_limit=2, offset=offset) for offset in (0, 2, 4)]
    assert pages == [["-n", ".env"], ["a.py", "b.ts"], ["sub/c.py"]]
    assert (await call("Grep", pattern="TODO", offset=5)).output == "No matches found. (5 before offset 5)"


async def test_nothing_found(call: Call, refused: Refused, tree: Path) -> None:
    """No match is said in words; a path that is not there is an error, and a wrong expression too [A8.5]"""
    assert (await call("Grep", pattern="nothing like this")).output == "No matches found."
    assert "does not exist" in await refused("Grep", pattern="x", path="nowhere")
    assert "regex parse error" in await refused("Grep", pattern="(")
    assert "NUL" in await refused("Grep", pattern="a\0b")


@pytest.mark.parametrize("text", ["-n", "--files", "--pre=touch owned", "$(touch owned)", "; touch owned", "'", '"'])
async def test_no_parameter_is_an_option(call: Call, tree: Path, text: str) -> None:
    """A pattern, path or glob that looks like an option or a command is just that text [A8.5]"""
    (tree / "say").write_text(f"it says {text}\n")
    fixed = text.replace("$", "\\$").replace("(", "\\(").replace(")", "\\)")
    assert await lines(call, tree, pattern=f"it says {fixed}") == ["say"]
    await call("Grep", pattern="TODO", glob=text)
    assert await lines(call, tree, pattern="TODO", path="-n") == ["-n"]
    assert not (tree / "owned").exists()


async def test_much_is_cut(call: Call, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long lines and very many matches are cut, and the answer says where to go on [A8.5]"""
    (tree / "long").write_text("match " + "x" * 100_000 + "\n")
    (found,) = await lines(call, tree, pattern="match", output_mode="content")
    assert len(found) < 2200 and "[... omitted end of long line]" in found
    monkeypatch.setattr(grep_module, "MAX_CHARACTERS", 1000)
    (tree / "many").write_text("many matches\n" * 10_000)
    found_lines = await lines(call, tree, pattern="many", output_mode="content", offset=10)
    assert "more lines. Go on with offset " in found_lines[-1]
    monkeypatch.setattr(grep_module, "MAX_BYTES", 10_000)
    result = await call("Grep", pattern="many", output_mode="content", head_limit=1)
    assert "The search was stopped after 10000 bytes" in result.output


async def test_binary_and_odd_files(call: Call, tree: Path) -> None:
    """Binary files are left out unless named, and then said to be binary; bytes that are no text do no harm [A8.5]"""
    (tree / "bin").write_bytes(b"needle\n\0\0\0")
    (tree / "latin").write_bytes(b"needle caf\xe9\n")
    assert await lines(call, tree, pattern="needle", output_mode="content") == ["latin:1:needle caf\ufffd"]
    assert "binary file matches" in (await call("Grep", pattern="needle", path="bin", output_mode="content")).output


async def test_without_ripgrep_the_answer_names_the_package(
    refused: Refused, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing program is an answer that says what to install [A8.5]"""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "Install the package ripgrep" in await refused("Grep", pattern="x")
