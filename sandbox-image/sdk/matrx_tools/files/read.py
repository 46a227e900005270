"""Read: text with line numbers, pictures, PDFs and notebooks."""

from __future__ import annotations

import asyncio
import os

from pydantic import Field

from matrx_tools.files.notebook import load_notebook, render
from matrx_tools.files.open_file import check_regular
from matrx_tools.files.pdf import read_pdf
from matrx_tools.files.picture import EXTENSIONS, read_picture
from matrx_tools.files.text_lines import LINE_CHARACTERS, TextLines, read_lines
from matrx_tools.parameters import FilePath, Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, failure, success

DEFAULT_LINES = 2000
NOTEBOOK_CHARACTERS = 400_000


class ReadParameters(Parameters):
    """Parameters of Read."""

    file_path: FilePath = Field(description="The file, as an absolute path")
    offset: int | None = Field(None, ge=0, description="The number of the first line to read, from 1")
    limit: int | None = Field(None, ge=1, description=f"How many lines to read; {DEFAULT_LINES} if left out")
    pages: str | None = Field(None, description='Of a PDF: the pages to read, such as "3" or "1-5"; at most 20')


async def read(parameters: ReadParameters, session: ToolSession) -> ToolResult:
    """Show a file, and remember that it was shown."""
    path = session.resolve_path(parameters.file_path)
    await asyncio.to_thread(check_regular, path)
    result = await _content(parameters, path)
    if not result.is_error:
        session.mark_file_read(path)
    return result


async def _content(parameters: ReadParameters, path: str) -> ToolResult:
    extension = os.path.splitext(path)[1].lower()
    if extension in EXTENSIONS:
        image, size = await asyncio.to_thread(read_picture, path)
        return success(f"{path}: {image.media_type}, {size} bytes", image=image)
    if extension == ".pdf":
        text, pages = await read_pdf(path, parameters.pages)
        return success(text, metadata={"pages": pages})
    if parameters.pages is not None:
        return failure(f"pages is for PDF files; {path} is none. Use offset and limit.")
    if extension == ".ipynb":
        notebook = await asyncio.to_thread(load_notebook, path)
        text = await asyncio.to_thread(render, notebook)
        if len(text) > NOTEBOOK_CHARACTERS:
            text = f"{text[:NOTEBOOK_CHARACTERS]}\n(The notebook is cut at {NOTEBOOK_CHARACTERS} characters.)"
        return success(text, metadata={"cells": len(notebook["cells"])})
    offset = max(1, parameters.offset or 1)
    found = await asyncio.to_thread(read_lines, path, offset, parameters.limit or DEFAULT_LINES)
    return _text(path, found)


def _text(path: str, found: TextLines) -> ToolResult:
    if found.lines_in_file == 0:
        return success("(The file is empty.)")
    if not found.lines:
        return failure(f"{path} has {found.lines_in_file} lines; there is no line {found.first}.")
    notes = []
    if found.next_offset is not None:
        notes.append(f"(The file goes on. Read the next part with offset {found.next_offset}.)")
    if found.invalid:
        notes.append(r"(The file is not valid UTF-8: bytes that are no text are shown as \xNN.)")
    numbered = [f"{number:>6}\t{line}" for number, line in enumerate(found.lines, found.first)]
    return success("\n".join(numbered + notes), metadata={"next_offset": found.next_offset})


READ = Tool(
    name="Read",
    description=(
        f"Read a file. Text comes with line numbers, {DEFAULT_LINES} lines at a time unless you say otherwise with offset "
        f"and limit, each cut at {LINE_CHARACTERS} characters. Pictures (png, jpg, gif, bmp, webp, svg, ico) are shown as "
        "pictures, PDFs as the text of their pages, Jupyter notebooks as their cells with outputs. Directories cannot be "
        "read: use Glob, or ls with Bash."
    ),
    parameters=ReadParameters,
    run=read,
)
