"""NotebookEdit."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from matrx_tools import ToolResult

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


@pytest.fixture
def book(folder: Path) -> Path:
    """A notebook with a text cell `intro` and a code cell `sum` that was run."""
    cells = [
        {"cell_type": "markdown", "id": "intro", "metadata": {}, "source": ["# Title"]},
        {
            "cell_type": "code",
            "execution_count": 3,
            "id": "sum",
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "2"}],
            "source": ["1 + 1"],
        },
    ]
    path = folder / "book.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n")
    return path


def cells(book: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(book.read_text())["cells"]
    return found


async def test_a_cell_is_replaced(call: Call, book: Path) -> None:
    """replace: the cell with this id gets the new source; old outputs are gone; nothing else changes [A8.6]"""
    before = cells(book)
    await call("NotebookEdit", notebook_path="book.ipynb", cell_id="sum", new_source="2 + 2\nprint('größe')")
    after = cells(book)
    assert after[0] == before[0]
    assert after[1] == {**before[1], "execution_count": None, "outputs": [], "source": ["2 + 2\n", "print('größe')"]}
    assert (
        "größe" in book.read_text()
        and book.read_text().startswith('{\n "cells": [')
        and book.read_text().endswith("}\n")
    )


async def test_a_replaced_cell_may_change_its_type(call: Call, book: Path) -> None:
    """replace with cell_type makes code of text and text of code, in the form each has [A8.6]"""
    await call("NotebookEdit", notebook_path="book.ipynb", cell_id="sum", new_source="text", cell_type="markdown")
    await call("NotebookEdit", notebook_path="book.ipynb", cell_id="intro", new_source="1", cell_type="code")
    first, second = cells(book)
    assert first == {
        "cell_type": "code",
        "id": "intro",
        "metadata": {},
        "source": ["1"],
        "execution_count": None,
        "outputs": [],
    }
    assert second == {"cell_type": "markdown", "id": "sum", "metadata": {}, "source": ["text"]}


async def test_a_cell_is_inserted_after_another_or_at_the_top(call: Call, refused: Refused, book: Path) -> None:
    """insert needs cell_type, goes after cell_id or to the top, and gets a new id of 8 characters [A8.6]"""
    top = await call("NotebookEdit", notebook_path="book.ipynb", new_source="a", cell_type="code", edit_mode="insert")
    await call(
        "NotebookEdit",
        notebook_path="book.ipynb",
        cell_id="intro",
        new_source="b",
        cell_type="markdown",
        edit_mode="insert",
    )
    assert ["".join(cell["source"]) for cell in cells(book)] == ["a", "# Title", "b", "1 + 1"]
    ids = [cell["id"] for cell in cells(book)]
    assert len(set(ids)) == 4 and all(re.fullmatch("[0-9a-f]{8}", ids[index]) for index in (0, 2))
    assert top.metadata == {"cell_id": ids[0]}
    text = await refused("NotebookEdit", notebook_path="book.ipynb", new_source="c", edit_mode="insert")
    assert "cell_type is missing" in text


async def test_a_cell_is_deleted(call: Call, book: Path) -> None:
    """delete takes the cell away [A8.6]"""
    await call("NotebookEdit", notebook_path="book.ipynb", cell_id="intro", new_source="", edit_mode="delete")
    assert [cell["id"] for cell in cells(book)] == ["sum"]


async def test_what_cannot_be_done_changes_nothing(refused: Refused, book: Path, folder: Path) -> None:
    """An unknown cell, a missing id, a file that is no notebook: answers [A8.6]"""
    before = book.read_bytes()
    for mode in ("replace", "delete"):
        assert "cell_id is missing" in await refused(
            "NotebookEdit", notebook_path="book.ipynb", new_source="", edit_mode=mode
        )
    text = await refused("NotebookEdit", notebook_path="book.ipynb", cell_id="nope", new_source="")
    assert "has no cell nope. Its cells: intro, sum" in text
    (folder / "text.txt").write_text("x")
    assert "is not a notebook" in await refused("NotebookEdit", notebook_path="text.txt", cell_id="a", new_source="")
    assert "does not exist" in await refused("NotebookEdit", notebook_path="no.ipynb", cell_id="a", new_source="")
    assert book.read_bytes() == before


async def test_a_notebook_without_ids_gets_them(call: Call, folder: Path) -> None:
    """Notebooks before 4.5 have no ids: cells are cell-0, …; an insert makes it 4.5, where each cell needs one [A8.6]"""
    old = [
        {"cell_type": "markdown", "metadata": {}, "source": "one"},
        {"cell_type": "markdown", "metadata": {}, "source": "two"},
    ]
    path = folder / "old.ipynb"
    path.write_text(json.dumps({"cells": old, "metadata": {}, "nbformat": 4, "nbformat_minor": 2}))
    await call("NotebookEdit", notebook_path="old.ipynb", cell_id="cell-1", new_source="zwei")
    assert [cell.get("id") for cell in cells(path)] == [None, None]
    await call(
        "NotebookEdit",
        notebook_path="old.ipynb",
        cell_id="cell-0",
        new_source="new",
        cell_type="code",
        edit_mode="insert",
    )
    assert ["".join(cell["source"]) for cell in cells(path)] == ["one", "new", "zwei"]
    assert len({cell["id"] for cell in cells(path)}) == 3
    assert json.loads(path.read_text())["nbformat_minor"] == 5
