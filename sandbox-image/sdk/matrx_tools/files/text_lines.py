"""Some lines of a text file, with their numbers, in bounded memory: the file may have any size and any line length."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass

from matrx_tools.files.encoding import BOM, HEAD_BYTES, text_encoding, visible
from matrx_tools.files.open_file import open_regular, refusal
from matrx_tools.types import ToolError

LINE_CHARACTERS = 2000
PIECE_CHARACTERS = 65536
TOTAL_CHARACTERS = 4_000_000
SECONDS = 60.0


@dataclass(frozen=True)
class TextLines:
    """Numbered lines, and what a reader should know of the rest."""

    lines: tuple[str, ...]
    first: int
    next_offset: int | None
    """The number of the first line that is not shown, if there is one."""
    lines_in_file: int | None
    """How many lines the file has, where its end was reached."""
    invalid: bool
    """Whether bytes are shown as escapes, since they are not text."""


def read_lines(path: str, offset: int, limit: int) -> TextLines:
    """Lines `offset` (from 1) to `offset + limit - 1`. Raises ToolError for a binary file and what cannot be read."""
    deadline = time.monotonic() + SECONDS
    with open_regular(path) as file:
        try:
            head = file.read(HEAD_BYTES)
            encoding = text_encoding(head)
            if encoding is None:
                raise ToolError(
                    f"{path} is a binary file and cannot be shown as text. Look at it with Bash: file, xxd or strings."
                )
            file.seek(0)
            text = io.TextIOWrapper(file, encoding.codec, encoding.errors, newline="\n")
            return _collect(path, text, offset, limit, deadline)
        except OSError as error:
            raise refusal(path, error) from error


def _collect(path: str, text: io.TextIOWrapper, offset: int, limit: int, deadline: float) -> TextLines:
    shown: list[str] = []
    invalid = False
    size = 0
    number = 0
    while (line := _next_line(path, text, deadline)) is not None:
        number += 1
        if number < offset:
            continue
        if len(shown) >= limit or size >= TOTAL_CHARACTERS:
            return TextLines(tuple(shown), offset, number, None, invalid)
        readable, escaped = visible(line.removeprefix(BOM) if number == 1 else line)
        invalid = invalid or escaped
        size += len(readable)
        shown.append(readable)
    return TextLines(tuple(shown), offset, None, number, invalid)


def _next_line(path: str, text: io.TextIOWrapper, deadline: float) -> str | None:
    """The next line without its end, cut at 2000 characters; None at the end of the file."""
    piece = text.readline(PIECE_CHARACTERS)
    if not piece:
        return None
    kept = piece[: LINE_CHARACTERS + 2]
    while not piece.endswith("\n"):
        if time.monotonic() > deadline:
            raise ToolError(f"Reading {path} took longer than {SECONDS:.0f} s. Use Bash: sed -n, head or tail.")
        piece = text.readline(PIECE_CHARACTERS)
        if not piece:
            break
        kept = (kept + piece)[: LINE_CHARACTERS + 2]
    if time.monotonic() > deadline:
        raise ToolError(f"Reading {path} took longer than {SECONDS:.0f} s. Use Bash: sed -n, head or tail.")
    line = kept.removesuffix("\n").removesuffix("\r")
    return (
        line
        if len(line) <= LINE_CHARACTERS
        else f"{line[:LINE_CHARACTERS]}… [line cut at {LINE_CHARACTERS} characters]"
    )
