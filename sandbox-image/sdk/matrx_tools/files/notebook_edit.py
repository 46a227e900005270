"""NotebookEdit: replace, insert or delete one cell of a Jupyter notebook."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any, Literal

from pydantic import Field

from matrx_tools.files.atomic_write import write_atomically
from matrx_tools.files.notebook import cell_name, find_cell, load_notebook
from matrx_tools.parameters import FilePath, Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolError, ToolResult, success


class NotebookEditParameters(Parameters):
    """Parameters of NotebookEdit."""

    notebook_path: FilePath = Field(description="The .ipynb file, as an absolute path")
    new_source: str = Field(description="The cell's new source; not used when a cell is deleted")
    cell_id: str | None = Field(
        None,
        description="The cell to replace or delete, or the one to insert after; an insert without it goes to the top",
    )
    cell_type: Literal["code", "markdown"] | None = Field(None, description="The cell's type; an insert needs it")
    edit_mode: Literal["replace", "insert", "delete"] = Field("replace", description="What to do")


async def notebook_edit(parameters: NotebookEditParameters, session: ToolSession) -> ToolResult:
    """Change one cell."""
    path = session.resolve_path(parameters.notebook_path)
    if not path.endswith(".ipynb"):
        raise ToolError(f"{path} is not a notebook (.ipynb). Use Edit.")
    async with session.changes:
        text, cell_id = await asyncio.to_thread(_change, path, parameters)
        session.mark_file_read(path)
    return success(text, metadata={"cell_id": cell_id})


def _change(path: str, parameters: NotebookEditParameters) -> tuple[str, str]:
    notebook = load_notebook(path)
    change = {"replace": _replace, "insert": _insert, "delete": _delete}[parameters.edit_mode]
    done = change(path, notebook, parameters)
    # As Jupyter writes it, so that a change of one cell is a small diff.
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode("utf-8", "surrogatepass"))
    return done


def _named_cell(path: str, cells: list[dict[str, Any]], parameters: NotebookEditParameters) -> int:
    if parameters.cell_id is None:
        raise ToolError(f"cell_id is missing: edit_mode {parameters.edit_mode} needs to know which cell.")
    return find_cell(path, cells, parameters.cell_id)


def _replace(path: str, notebook: dict[str, Any], parameters: NotebookEditParameters) -> tuple[str, str]:
    cells: list[dict[str, Any]] = notebook["cells"]
    index = _named_cell(path, cells, parameters)
    cell = cells[index]
    cell["source"] = parameters.new_source.splitlines(keepends=True)
    if parameters.cell_type is not None:
        cell["cell_type"] = parameters.cell_type
    if cell.get("cell_type") == "code":
        # What the old source printed is no longer true.
        cell.update(execution_count=None, outputs=[])
        cell.pop("attachments", None)
    else:
        cell.pop("execution_count", None)
        cell.pop("outputs", None)
    name = cell_name(cell, index)
    return f"Replaced cell {name} of {path}.", name


def _insert(path: str, notebook: dict[str, Any], parameters: NotebookEditParameters) -> tuple[str, str]:
    cells: list[dict[str, Any]] = notebook["cells"]
    if parameters.cell_type is None:
        raise ToolError("cell_type is missing: an inserted cell must be code or markdown.")
    index = 0 if parameters.cell_id is None else find_cell(path, cells, parameters.cell_id) + 1
    _give_ids(notebook)
    cell: dict[str, Any] = {
        "cell_type": parameters.cell_type,
        "id": _new_id(cells),
        "metadata": {},
        "source": parameters.new_source.splitlines(keepends=True),
    }
    if parameters.cell_type == "code":
        cell.update(execution_count=None, outputs=[])
    cells.insert(index, cell)
    return f"Inserted {parameters.cell_type} cell {cell['id']} at place {index + 1} of {path}.", str(cell["id"])


def _delete(path: str, notebook: dict[str, Any], parameters: NotebookEditParameters) -> tuple[str, str]:
    cells: list[dict[str, Any]] = notebook["cells"]
    index = _named_cell(path, cells, parameters)
    name = cell_name(cells.pop(index), index)
    return f"Deleted cell {name} of {path}.", name


def _give_ids(notebook: dict[str, Any]) -> None:
    """Cell ids came with nbformat 4.5: a notebook that gets one cell with an id becomes 4.5, and then each needs one."""
    if notebook.get("nbformat") == 4 and isinstance(minor := notebook.get("nbformat_minor"), int) and minor < 5:
        notebook["nbformat_minor"] = 5
    for cell in notebook["cells"]:
        if "id" not in cell:
            cell["id"] = _new_id(notebook["cells"])


def _new_id(cells: list[dict[str, Any]]) -> str:
    taken = {cell.get("id") for cell in cells}
    while (candidate := secrets.token_hex(4)) in taken:
        pass
    return candidate


NOTEBOOK_EDIT = Tool(
    name="NotebookEdit",
    description=(
        "Change one cell of a Jupyter notebook: replace its source, insert a new cell after cell_id (or at the top), or "
        "delete it. Read shows the cells' ids. A replaced code cell loses its old outputs."
    ),
    parameters=NotebookEditParameters,
    run=notebook_edit,
)
