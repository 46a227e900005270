"""Edit and MultiEdit: exact replacements in a file that was read, all of them or none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pydantic import Field

from matrx_tools.files.atomic_write import write_atomically
from matrx_tools.files.encoding import text_encoding
from matrx_tools.files.open_file import check_regular, read_bounded
from matrx_tools.files.replacement import Replacement, apply
from matrx_tools.parameters import FilePath, Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolError, ToolResult, failure, success

MAX_BYTES = 64 * 1024 * 1024


class _Target(Parameters):
    file_path: FilePath = Field(description="The file, as an absolute path")


class EditStep(Parameters):
    """One replacement."""

    old_string: str = Field(description="The text to replace, exactly as it stands in the file")
    new_string: str = Field(description="What to put in its place")
    replace_all: bool = Field(False, description="Replace every place; without it old_string must occur exactly once")

    def replacement(self) -> Replacement:
        """The same as plain data."""
        return Replacement(self.old_string, self.new_string, self.replace_all)


class EditParameters(EditStep, _Target):
    """Parameters of Edit."""


class MultiEditParameters(_Target):
    """Parameters of MultiEdit."""

    edits: list[EditStep] = Field(
        min_length=1, description="The replacements, in their order; each sees what those before it made"
    )


async def edit(parameters: EditParameters, session: ToolSession) -> ToolResult:
    """One replacement."""
    return await _change(parameters.file_path, [parameters.replacement()], session)


async def multi_edit(parameters: MultiEditParameters, session: ToolSession) -> ToolResult:
    """Several replacements, all of them or none."""
    return await _change(parameters.file_path, [step.replacement() for step in parameters.edits], session)


async def _change(file_path: str, steps: Sequence[Replacement], session: ToolSession) -> ToolResult:
    path = session.resolve_path(file_path)
    async with session.changes:
        await asyncio.to_thread(check_regular, path)
        if not session.has_read_file(path):
            return failure(f"{path} has not been read. Read it first, then edit it.")
        counts = await asyncio.to_thread(_apply_all, path, steps)
    places = sum(counts)
    edits = "" if len(counts) == 1 else f"{len(counts)} edits, "
    return success(
        f"Edited {path}: {edits}{places} {'place' if places == 1 else 'places'} changed.",
        metadata={"replacements": counts},
    )


def _apply_all(path: str, steps: Sequence[Replacement]) -> list[int]:
    data = read_bounded(path, MAX_BYTES, "Change it with Bash, for example with sed.")
    encoding = text_encoding(data)
    if encoding is None:
        raise ToolError(f"{path} is a binary file; Edit changes text. Use Bash.")
    text = encoding.decode(data)
    counts: list[int] = []
    for number, step in enumerate(steps, 1):
        try:
            text, count = apply(text, step)
        except ToolError as error:
            where = "" if len(steps) == 1 else f"Edit {number} of {len(steps)}: "
            raise ToolError(f"{where}{error} {path} is unchanged.") from None
        counts.append(count)
    write_atomically(path, encoding.encode(text))
    return counts


EDIT = Tool(
    name="Edit",
    description=(
        "Replace an exact text in a file. The file must have been read with Read in this session. old_string must occur "
        "exactly once, unless replace_all is set; leave out the line numbers that Read shows."
    ),
    parameters=EditParameters,
    run=edit,
)

MULTI_EDIT = Tool(
    name="MultiEdit",
    description=(
        "Make several exact replacements in one file, in order. If one cannot be made, none is. The file must have been "
        "read with Read in this session."
    ),
    parameters=MultiEditParameters,
    run=multi_edit,
)
