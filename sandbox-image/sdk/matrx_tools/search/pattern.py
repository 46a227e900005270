"""Glob patterns as regular expressions over paths relative to where the search begins.

`*` and `?` stop at a slash, `**` crosses directories, `[a-z]` and `{a,b}` choose. A pattern without a slash matches at any
depth. As in a shell, a name that begins with a dot is matched only by a part of the pattern that does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from matrx_tools.types import ToolError

MAX_ALTERNATIVES = 1000


@dataclass(frozen=True)
class PathPattern:
    """A compiled pattern, and the fixed directories that it begins with."""

    prefix: str
    """Directories without a wildcard at the pattern's beginning ("src/lib", "/etc", or nothing): the search begins there."""
    expression: re.Pattern[str]
    """Matches paths relative to the prefix."""
    hidden: bool
    """Whether it can match names that begin with a dot."""


def compile_pattern(pattern: str) -> PathPattern:
    """The compiled pattern. Raises ToolError for one that cannot be a pattern."""
    parts = pattern.split("/")
    fixed = 0
    while fixed < len(parts) - 1 and not _is_wild(parts[fixed]):
        fixed += 1
    prefix = "/".join(parts[:fixed]) or ("/" if fixed and pattern.startswith("/") else "")
    rest = "/".join(parts[fixed:])
    if "/" not in rest and not fixed:
        rest = f"**/{rest}"
    alternatives = _alternatives(rest)
    try:
        expression = re.compile("|".join(f"(?:{_translate(one)})" for one in alternatives), re.DOTALL)
    except re.error as error:
        raise ToolError(f"{pattern!r} is not a glob pattern: {error}") from error
    hidden = any(part.startswith(".") for one in alternatives for part in one.split("/"))
    return PathPattern(prefix, expression, hidden)


def _is_wild(part: str) -> bool:
    return any(character in part for character in "*?[{\\")


def _alternatives(pattern: str) -> list[str]:
    """Every way to choose from the braces of a pattern; braces that are not closed stand for themselves."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        text = waiting.pop()
        found = _first_braces(text)
        if found is None:
            done.append(text)
        else:
            start, end, choices = found
            waiting += [text[:start] + choice + text[end:] for choice in reversed(choices)]
        if len(done) + len(waiting) > MAX_ALTERNATIVES:
            raise ToolError(f"{pattern!r} stands for more than {MAX_ALTERNATIVES} patterns. Use fewer braces.")
    return done


def _first_braces(text: str) -> tuple[int, int, list[str]] | None:
    start = text.find("{")
    while start >= 0:
        depth, pieces, piece = 0, [], start + 1
        for index in range(start, len(text)):
            character = text[index]
            depth += (character == "{") - (character == "}")
            if (character == "," and depth == 1) or depth == 0:
                pieces.append(text[piece:index])
                piece = index + 1
            if depth == 0:
                if len(pieces) > 1:
                    return start, index + 1, pieces
                break
        start = text.find("{", start + 1)
    return None


def _translate(pattern: str) -> str:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    expression = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            # Any number of directories; at the end, any file below.
            expression += r"(?:(?!\.)[^/]+/)*" + (r"(?!\.)[^/]+" if last else "")
        else:
            expression += _translate_part(part) + ("" if last else "/")
    return expression


def _translate_part(part: str) -> str:
    expression = "" if part.startswith(".") else r"(?!\.)"
    index = 0
    while index < len(part):
        character = part[index]
        index += 1
        if character == "*":
            while part[index : index + 1] == "*":
                index += 1
            expression += "[^/]*"
        elif character == "?":
            expression += "[^/]"
        elif character == "[" and (end := _end_of_class(part, index)) > 0:
            expression += _translate_class(part[index:end])
            index = end + 1
        elif character == "\\" and index < len(part):
            expression += re.escape(part[index])
            index += 1
        else:
            expression += re.escape(character)
    return expression


def _end_of_class(part: str, start: int) -> int:
    """Where the class that begins at `start` ends, or -1: a bracket that is not closed stands for itself."""
    first = start + (part[start : start + 1] in ("!", "^"))
    return part.find("]", first + 1)


def _translate_class(inner: str) -> str:
    negated = inner[0] in "!^"
    body = (inner[1:] if negated else inner).replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]")
    body = re.sub(r"([&~|-])\1", r"\1\\\1", body)
    if body.startswith("^"):
        body = "\\" + body
    # (?!/): a class, negated or not, never matches a slash.
    return f"(?!/)[{'^' if negated else ''}{body}]"
