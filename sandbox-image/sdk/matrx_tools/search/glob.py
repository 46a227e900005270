"""Glob: files by name, newest first."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterable

from pydantic import Field

from matrx_tools.parameters import FilePath, Parameters
from matrx_tools.search.list_files import list_files
from matrx_tools.search.pattern import PathPattern, compile_pattern
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolError, ToolResult, success

MAX_SHOWN = 2000
NOTHING = "No files matched the pattern."


class GlobParameters(Parameters):
    """Parameters of Glob."""

    pattern: FilePath = Field(description='The pattern, such as "**/*.ts" or "src/**/*.{js,css}"')
    path: FilePath | None = Field(None, description="The directory to look in; the working directory if left out")


async def glob(parameters: GlobParameters, session: ToolSession) -> ToolResult:
    """Find files whose path matches."""
    pattern = compile_pattern(parameters.pattern)
    root = session.resolve_path(parameters.path) if parameters.path else session.cwd
    folder = await asyncio.to_thread(_start, root, pattern)
    if folder is None:
        return success(NOTHING, metadata={"count": 0})
    names = await list_files(folder, pattern.hidden)
    found = await asyncio.to_thread(_newest_first, folder, pattern, names)
    if not found:
        return success(NOTHING, metadata={"count": 0})
    lines = found[:MAX_SHOWN]
    if len(found) > MAX_SHOWN:
        lines.append(f"({len(found) - MAX_SHOWN} older files are not shown. Narrow the pattern.)")
    return success("\n".join(lines), metadata={"count": len(found)})


def _start(root: str, pattern: PathPattern) -> str | None:
    """Where the search begins, or None if that is not there. Raises ToolError for a root that is no directory."""
    if not os.path.isdir(root):
        raise ToolError(f"{root} {'is not a directory' if os.path.exists(root) else 'does not exist'}.")
    folder = os.path.normpath(os.path.join(root, pattern.prefix))
    return folder if os.path.isdir(folder) else None


def _newest_first(folder: str, pattern: PathPattern, names: Iterable[str]) -> list[str]:
    dated: list[tuple[int, str]] = []
    for name in names:
        if pattern.expression.fullmatch(name) is None:
            continue
        path = os.path.join(folder, name)
        try:
            found = os.stat(path)
        except OSError:
            continue  # removed since it was listed, or a link to nowhere
        if stat.S_ISREG(found.st_mode):
            dated.append((-found.st_mtime_ns, path))
    return [path for _, path in sorted(dated)]


GLOB = Tool(
    name="Glob",
    description=(
        "Find files by name. * and ? stop at a slash, ** crosses directories, [..] and {a,b} choose; a pattern without a "
        "slash matches at any depth. Names that begin with a dot need a dot in the pattern. Newest files first."
    ),
    parameters=GlobParameters,
    run=glob,
)
