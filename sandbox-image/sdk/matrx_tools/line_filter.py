"""Regular expressions that models write."""

from __future__ import annotations

import re

from matrx_tools.types import ToolError


def compile_filter(pattern: str) -> re.Pattern[str]:
    """The compiled expression. Raises ToolError saying what is wrong with it."""
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ToolError(f"{pattern!r} is not a regular expression: {error}") from error
