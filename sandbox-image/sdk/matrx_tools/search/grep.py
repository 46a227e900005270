"""Grep: what stands in files, by ripgrep."""

from __future__ import annotations

import asyncio
import os
from typing import Literal

from pydantic import Field

from matrx_tools.parameters import FilePath, Parameters
from matrx_tools.program import find_program, run_program
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, failure, success

SECONDS = 60.0
MAX_BYTES = 16 * 1024 * 1024
MAX_CHARACTERS = 100_000
MAX_COLUMNS = 2000
NOTHING = "No matches found."


class GrepParameters(Parameters):
    """Parameters of Grep."""

    pattern: str = Field(description="The regular expression, in ripgrep's syntax")
    path: FilePath | None = Field(None, description="File or directory to search; the working directory if left out")
    output_mode: Literal["files_with_matches", "content", "count"] = Field(
        "files_with_matches", description="What to show: the files' paths, the matching lines, or matching lines a file"
    )
    glob: FilePath | None = Field(None, description='Only files whose name matches, such as "*.{ts,tsx}"')
    type: FilePath | None = Field(None, description="Only files of this type, such as py, js, rust")
    ignore_case: bool = Field(False, alias="-i", description="Upper and lower case are the same")
    line_numbers: bool = Field(True, alias="-n", description="Line numbers, with output_mode content")
    after: int | None = Field(
        None, alias="-A", ge=0, description="Lines to show after each match, with output_mode content"
    )
    before: int | None = Field(
        None, alias="-B", ge=0, description="Lines to show before each match, with output_mode content"
    )
    around: int | None = Field(
        None, alias="-C", ge=0, description="Lines to show before and after each match; same as context"
    )
    context: int | None = Field(
        None, ge=0, description="Lines to show before and after each match, with output_mode content"
    )
    multiline: bool = Field(False, description="Let a match cross lines; . then also matches the end of a line")
    head_limit: int = Field(0, ge=0, description="Show only so many lines or files; 0 is all")
    offset: int = Field(0, ge=0, description="Leave out so many lines or files first")


async def grep(parameters: GrepParameters, session: ToolSession) -> ToolResult:
    """Search files."""
    path = session.resolve_path(parameters.path) if parameters.path else session.cwd
    if "\0" in parameters.pattern:
        return failure("The pattern holds a NUL character. Write it as \\x00.")
    if not await asyncio.to_thread(os.path.exists, path):
        return failure(f"{path} does not exist.")
    program = find_program(["rg"], "ripgrep")
    done = await run_program([program, *_options(parameters), "--", path], seconds=SECONDS, max_bytes=MAX_BYTES)
    lines = _lines(done.output if done.complete else done.output[: done.output.rfind(b"\n") + 1])
    # ripgrep ends with 2 when one file could not be read, even if others matched.
    if not lines and done.exit_code > 1:
        return failure(f"The search failed: {done.error or f'ripgrep ended with {done.exit_code}'}")
    shown = lines[parameters.offset :]
    if parameters.head_limit:
        shown = shown[: parameters.head_limit]
    if not shown:
        text = f"{NOTHING} ({len(lines)} before offset {parameters.offset})" if lines else NOTHING
        return success(text, metadata={"total": len(lines)})
    notes = (
        [f"(Some files could not be read: {done.error.splitlines()[0]})"] if done.exit_code > 1 and done.error else []
    )
    if not done.complete:
        notes.append(f"(The search was stopped after {MAX_BYTES} bytes of matches. Narrow it.)")
    return success(_bounded(shown, parameters.offset, notes), metadata={"total": len(lines)})


def _options(parameters: GrepParameters) -> list[str]:
    # Sorted, so that offset goes on where the last call ended.
    options = [
        "--no-config",
        "--color=never",
        "--no-heading",
        "--with-filename",
        "--sort=path",
        "--hidden",
        "--glob=!.git",
    ]
    options += [f"--max-columns={MAX_COLUMNS}", "--max-columns-preview"]
    if parameters.output_mode == "content":
        options.append("--line-number" if parameters.line_numbers else "--no-line-number")
        around = parameters.around if parameters.around is not None else parameters.context
        for flag, count in (("-C", around), ("-A", parameters.after), ("-B", parameters.before)):
            if count is not None:
                options += [flag, str(count)]
    else:
        options.append("--files-with-matches" if parameters.output_mode == "files_with_matches" else "--count")
    if parameters.ignore_case:
        options.append("--ignore-case")
    if parameters.multiline:
        options += ["--multiline", "--multiline-dotall"]
    if parameters.glob is not None:
        options.append(f"--glob={parameters.glob}")
    if parameters.type is not None:
        options.append(f"--type={parameters.type}")
    return [*options, f"--regexp={parameters.pattern}"]


def _lines(output: bytes) -> list[str]:
    return output.decode("utf-8", "replace").removesuffix("\n").split("\n") if output else []


def _bounded(lines: list[str], offset: int, notes: list[str]) -> str:
    size = 0
    for index, line in enumerate(lines):
        size += len(line) + 1
        if size > MAX_CHARACTERS and index > 0:
            rest = f"({len(lines) - index} more lines. Go on with offset {offset + index}, or narrow the search.)"
            return "\n".join([*lines[:index], rest, *notes])
    return "\n".join([*lines, *notes])


GREP = Tool(
    name="Grep",
    description=(
        "Search the contents of files with a regular expression, by ripgrep. Shows the paths of files that match, or with "
        "output_mode the matching lines or their number. Files that .gitignore names are left out; hidden ones are searched. "
        "Literal braces need a backslash. For matches over several lines set multiline."
    ),
    parameters=GrepParameters,
    run=grep,
)
