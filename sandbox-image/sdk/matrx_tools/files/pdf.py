"""The text of a PDF's pages, by pdftotext. `pages` is checked and becomes two numbers: no text of a model reaches a shell."""

from __future__ import annotations

import re

from matrx_tools.program import find_program, run_program
from matrx_tools.types import ToolError

MAX_PAGES = 20
SECONDS = 60.0
MAX_BYTES = 4_000_000
PACKAGE = "poppler-utils"

_PAGES = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")


def page_range(pages: str) -> tuple[int, int]:
    """First and last page of "3" or "2-5". Raises ToolError for anything else."""
    match = _PAGES.fullmatch(pages.strip())
    if match is None:
        raise ToolError(f'pages must be a number or a range, such as "3" or "1-5", not {pages!r}.')
    first = int(match.group(1))
    last = int(match.group(2) or first)
    if first < 1 or last < first:
        raise ToolError(f'pages begins at 1 and does not run backwards: "{pages}" is no range of pages.')
    if last - first >= MAX_PAGES:
        raise ToolError(f"{last - first + 1} pages are more than the {MAX_PAGES} of one call. Read them in parts.")
    return first, last


async def read_pdf(path: str, pages: str | None) -> tuple[str, int]:
    """The text of some pages under headings, and how many pages the document has. Raises ToolError."""
    wanted = None if pages is None else page_range(pages)
    total = await _count_pages(path)
    first, last = wanted or (1, min(total, MAX_PAGES))
    if first > total:
        raise ToolError(f"{path} has {total} pages; there is no page {first}.")
    last = min(last, total)
    done = await run_program(
        [
            find_program(["pdftotext"], PACKAGE),
            "-f",
            str(first),
            "-l",
            str(last),
            "-layout",
            "-enc",
            "UTF-8",
            path,
            "-",
        ],
        seconds=SECONDS,
        max_bytes=MAX_BYTES,
    )
    if done.exit_code != 0 and done.complete:
        raise ToolError(f"{path} cannot be read as a PDF: {done.error or f'pdftotext ended with {done.exit_code}'}")
    parts = done.output.decode("utf-8", "replace").removesuffix("\f").split("\f")
    text = "\n\n".join(
        f"--- Page {number} of {total} ---\n{part.rstrip() or '(no text on this page)'}"
        for number, part in enumerate(parts, first)
    )
    if not done.complete:
        text += f"\n\n(The text is cut at {MAX_BYTES} bytes. Ask for fewer pages.)"
    if pages is None and total > last:
        text += f'\n\n(Pages {last + 1} to {total} are not shown. Ask for them with pages, for example "{last + 1}-'
        text += f'{min(total, last + MAX_PAGES)}".)'
    return text, total


async def _count_pages(path: str) -> int:
    done = await run_program([find_program(["pdfinfo"], PACKAGE), path], seconds=SECONDS, max_bytes=MAX_BYTES)
    found = re.search(rb"^Pages:\s+([0-9]+)", done.output, re.MULTILINE)
    if done.exit_code != 0 or found is None:
        raise ToolError(f"{path} cannot be read as a PDF: {done.error or 'it names no pages'}")
    return int(found.group(1))
