"""Write: a whole file."""

from __future__ import annotations

import asyncio
import os

from pydantic import Field

from matrx_tools.files.atomic_write import write_atomically
from matrx_tools.files.open_file import check_regular, refusal
from matrx_tools.parameters import FilePath, Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, failure, success


class WriteParameters(Parameters):
    """Parameters of Write."""

    file_path: FilePath = Field(description="The file, as an absolute path; missing directories are made")
    content: str = Field(description="The whole new content")


async def write(parameters: WriteParameters, session: ToolSession) -> ToolResult:
    """Write a new file, or replace one that was read before."""
    path = session.resolve_path(parameters.file_path)
    data = parameters.content.encode("utf-8")
    async with session.changes:
        # exists follows links: a link to nowhere is a new file, made where it points.
        exists = await asyncio.to_thread(os.path.exists, path)
        if exists:
            await asyncio.to_thread(check_regular, path)
            if not session.has_read_file(path):
                return failure(f"{path} exists and has not been read. Read it first, then write it.")
        await asyncio.to_thread(_write, path, data)
        session.mark_file_read(path)
    return success(f"{'Replaced' if exists else 'Created'} {path}: {len(data)} bytes written.")


def _write(path: str, data: bytes) -> None:
    folder = os.path.dirname(os.path.realpath(path))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise refusal(folder, error) from error
    write_atomically(path, data)


WRITE = Tool(
    name="Write",
    description=(
        "Write a file: the whole content, in one step that others see wholly or not at all. A file that exists must have "
        "been read with Read in this session. To change a part of a file use Edit."
    ),
    parameters=WriteParameters,
    run=write,
)
