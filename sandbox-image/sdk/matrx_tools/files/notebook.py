"""Jupyter notebooks (nbformat 4): reading them, and finding a cell in them."""

from __future__ import annotations

import json
import re
from typing import Any

from matrx_tools.files.open_file import read_bounded
from matrx_tools.types import ToolError

MAX_BYTES = 64 * 1024 * 1024
MAX_OUTPUT_CHARACTERS = 20_000

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def load_notebook(path: str) -> dict[str, Any]:
    """The notebook at `path`, its cells checked to be a list of objects. Raises ToolError."""
    data = read_bounded(path, MAX_BYTES, "Clear its outputs first: jupyter nbconvert --clear-output.")
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ToolError(f"{path} is not a notebook: its JSON is broken ({error}).") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise ToolError(f"{path} is not a notebook of format 4: it has no list of cells.")
    if not all(isinstance(cell, dict) for cell in notebook["cells"]):
        raise ToolError(f"{path} is not a notebook of format 4: a cell is not an object.")
    return notebook


def cell_name(cell: dict[str, Any], index: int) -> str:
    """The cell's id; cell-0, cell-1, … in notebooks from before cells had one."""
    found = cell.get("id")
    return found if isinstance(found, str) else f"cell-{index}"


def find_cell(path: str, cells: list[dict[str, Any]], cell_id: str) -> int:
    """The place of the cell `cell_id`. Raises ToolError naming those that are there."""
    for index, cell in enumerate(cells):
        if cell_name(cell, index) == cell_id:
            return index
    names = ", ".join(cell_name(cell, index) for index, cell in enumerate(cells[:50]))
    raise ToolError(f"{path} has no cell {cell_id}. Its cells: {names or 'none'}")


def joined(text: object) -> str:
    """A text as notebooks hold it: one string, or a list of lines."""
    if isinstance(text, list):
        return "".join(str(part) for part in text)
    return "" if text is None else str(text)


def render(notebook: dict[str, Any]) -> str:
    """All cells with their outputs, as text."""
    cells: list[dict[str, Any]] = notebook["cells"]
    if not cells:
        return "(The notebook has no cells.)"
    return "\n\n".join(_cell(cell, index) for index, cell in enumerate(cells))


def _cell(cell: dict[str, Any], index: int) -> str:
    parts = [f"[{cell.get('cell_type', 'unknown')} cell {cell_name(cell, index)}]", joined(cell.get("source"))]
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        text = _output(output) if isinstance(output, dict) else ""
        if len(text) > MAX_OUTPUT_CHARACTERS:
            text = f"{text[:MAX_OUTPUT_CHARACTERS]}… [output cut at {MAX_OUTPUT_CHARACTERS} characters]"
        parts.append(f"[output]\n{text}")
    return "\n".join(parts)


def _output(output: dict[str, Any]) -> str:
    if output.get("output_type") == "error":
        trace = joined(output.get("traceback") and [f"{line}\n" for line in output["traceback"]])
        return _ANSI.sub("", f"{output.get('ename')}: {output.get('evalue')}\n{trace}").rstrip()
    if "text" in output:
        return _ANSI.sub("", joined(output["text"])).rstrip("\n")
    data = output.get("data")
    if not isinstance(data, dict):
        return "(nothing)"
    if "text/plain" in data:
        others = [kind for kind in data if kind != "text/plain"]
        return joined(data["text/plain"]) + (f"\n(also as {', '.join(others)})" if others else "")
    return f"(as {', '.join(data) or 'nothing'})"
