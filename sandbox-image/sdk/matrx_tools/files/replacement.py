"""Replacing an exact text by another: pure."""

from __future__ import annotations

from dataclasses import dataclass

from matrx_tools.types import ToolError

SHOWN_PLACES = 10


@dataclass(frozen=True)
class Replacement:
    """`old` becomes `new`, once or everywhere."""

    old: str
    new: str
    everywhere: bool


def apply(text: str, wanted: Replacement) -> tuple[str, int]:
    """The text after `wanted`, and how many places it changed. Raises ToolError where it cannot be done."""
    if wanted.old == wanted.new:
        raise ToolError("old_string and new_string are the same; there is nothing to change.")
    if not wanted.old:
        raise ToolError("old_string is empty. Give the text to replace, or use Write for a whole file.")
    old, new = _with_line_ends_of(text, wanted)
    count = text.count(old)
    if count == 0:
        raise ToolError(
            "old_string does not occur in the file. Read it again: each character, spaces too, must be the same."
        )
    if count > 1 and not wanted.everywhere:
        raise ToolError(
            f"old_string occurs {count} times (lines {_lines(text, old)}). "
            "Give more of the text around it, so that it occurs once, or set replace_all."
        )
    return text.replace(old, new), count


def _with_line_ends_of(text: str, wanted: Replacement) -> tuple[str, str]:
    r"""Read shows no \r, so a model writes \n; in a file whose every line ends in \r\n it means that."""
    if "\r\n" not in text or text.count("\n") != text.count("\r\n"):
        return wanted.old, wanted.new
    return _crlf(wanted.old), _crlf(wanted.new)


def _crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _lines(text: str, old: str) -> str:
    places: list[str] = []
    at = text.find(old)
    while at >= 0 and len(places) < SHOWN_PLACES:
        places.append(str(text.count("\n", 0, at) + 1))
        at = text.find(old, at + len(old))
    return ", ".join(places) + (", …" if at >= 0 else "")
