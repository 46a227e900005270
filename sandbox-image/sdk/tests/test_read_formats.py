"""Read: pictures, PDFs and notebooks."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from matrx_tools import ToolResult
from matrx_tools.files import picture
from matrx_tools.files.pdf import page_range
from matrx_tools.types import ToolError

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


def png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
        + chunk(b"IEND", b"")
    )


def pdf(*pages: str) -> bytes:
    """A PDF with one line of text a page."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for index, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
        resources = f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * index} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {resources} >>")
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    data = b"%PDF-1.4\n"
    offsets = []
    for number, one in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{one}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("a.png", png(), "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        ("a.JPEG", b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        ("a.gif", b"GIF89arest", "image/gif"),
        ("a.bmp", b"BMrest", "image/bmp"),
        ("a.webp", b"RIFF\0\0\0\0WEBPrest", "image/webp"),
        ("a.svg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
        ("a.ico", b"\0\0\1\0rest", "image/x-icon"),
        ("really-a-jpeg.png", b"\xff\xd8\xff\xe0rest", "image/jpeg"),
    ],
)
async def test_pictures_come_as_pictures(call: Call, folder: Path, name: str, data: bytes, media_type: str) -> None:
    """png jpg jpeg gif bmp webp svg ico come as base64, with the type that they really have [A8.3]"""
    (folder / name).write_bytes(data)
    image = (await call("Read", file_path=name)).image
    assert image is not None
    assert (image.media_type, base64.b64decode(image.base64_data)) == (media_type, data)


async def test_a_picture_that_is_none_is_refused(
    refused: Refused, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text named .png would make a model API refuse the whole conversation [A8.3]"""
    (folder / "a.png").write_text("not found")
    assert "does not hold such a picture" in await refused("Read", file_path="a.png")
    (folder / "b.png").touch()
    assert "is empty" in await refused("Read", file_path="b.png")
    monkeypatch.setattr(picture, "MAX_BYTES", 10)
    (folder / "c.png").write_bytes(png())
    assert "more than the 10 this tool takes" in await refused("Read", file_path="c.png")


async def test_a_pdf_comes_as_text(call: Call, refused: Refused, folder: Path) -> None:
    """PDF pages by pdftotext: all, one ("n") or a range ("a-b") [A8.3]"""
    (folder / "a b.pdf").write_bytes(pdf("Alpha", "Beta", "Gamma"))
    whole = (await call("Read", file_path="a b.pdf")).output
    assert whole == "--- Page 1 of 3 ---\n{}\n\n--- Page 2 of 3 ---\n{}\n\n--- Page 3 of 3 ---\n{}".format(
        *(line for line in whole.split("\n") if line.strip() in ("Alpha", "Beta", "Gamma"))
    )
    one = (await call("Read", file_path="a b.pdf", pages="2")).output
    assert "Beta" in one and "Alpha" not in one and "Gamma" not in one
    two = (await call("Read", file_path="a b.pdf", pages="2-9")).output
    assert "Beta" in two and "Gamma" in two and "Alpha" not in two
    assert "has 3 pages; there is no page 4" in await refused("Read", file_path="a b.pdf", pages="4")


async def test_a_long_pdf_is_read_in_parts(call: Call, refused: Refused, folder: Path) -> None:
    """20 pages at once, with a note of the rest [A8.3]"""
    (folder / "a.pdf").write_bytes(pdf(*(f"Page{number}" for number in range(1, 26))))
    output = (await call("Read", file_path="a.pdf")).output
    assert "Page20" in output and "Page21" not in output
    assert '(Pages 21 to 25 are not shown. Ask for them with pages, for example "21-25".)' in output
    assert "more than the 20 of one call" in await refused("Read", file_path="a.pdf", pages="1-21")


@pytest.mark.parametrize(
    "pages",
    [
        "1; touch owned",
        "$(touch owned)",
        "`touch owned`",
        "1 -opw x",
        "-1",
        "0",
        "3-2",
        "1-",
        "a",
        "",
        "1-2-3",
        "1\n2",
        "٣",
    ],
)
async def test_pages_never_reach_a_shell(refused: Refused, folder: Path, pages: str) -> None:
    """`pages` is two numbers or an error; what a shell would run is never run [T12] [A8.3]"""
    (folder / "a.pdf").write_bytes(pdf("Alpha"))
    assert "pages" in await refused("Read", file_path="a.pdf", pages=pages)
    assert sorted(path.name for path in folder.iterdir()) == ["a.pdf"]


async def test_a_pdf_whose_name_looks_like_a_command_is_just_a_name(call: Call, folder: Path) -> None:
    """The path reaches pdftotext as one argument, whatever it holds [T12]"""
    for name in ("-h.pdf", "$(touch owned).pdf", "a; touch owned.pdf", "'\".pdf"):
        (folder / name).write_bytes(pdf("Alpha"))
        assert "Alpha" in (await call("Read", file_path=name)).output
    assert not (folder / "owned").exists()


def test_page_ranges() -> None:
    """A page or a range of at most 20 [A8.3]"""
    assert page_range("3") == (3, 3)
    assert page_range(" 1-20 ") == (1, 20)
    with pytest.raises(ToolError):
        page_range("1-21")


async def test_a_broken_pdf_is_a_clear_answer(refused: Refused, folder: Path) -> None:
    """A file that is no PDF is an answer with pdfinfo's words [A8.3]"""
    (folder / "a.pdf").write_text("hello")
    assert "cannot be read as a PDF" in await refused("Read", file_path="a.pdf")


async def test_pages_of_what_is_no_pdf_are_an_error(refused: Refused, folder: Path) -> None:
    """`pages` is for PDFs only [A8.3]"""
    (folder / "a.txt").write_text("x")
    assert "pages is for PDF files" in await refused("Read", file_path="a.txt", pages="1")


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


async def test_a_notebook_comes_as_cells_with_outputs(call: Call, folder: Path) -> None:
    """ipynb: every cell with its source and its outputs [A8.3]"""
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["out\n", "put\n"]},
        {"output_type": "execute_result", "data": {"text/plain": ["2"], "text/html": "<b>2</b>"}},
        {"output_type": "display_data", "data": {"image/png": "AAAA"}},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["\x1b[31mTrace\x1b[0m"]},
    ]
    (folder / "a.ipynb").write_text(
        notebook(
            {"cell_type": "markdown", "id": "intro", "metadata": {}, "source": ["# Title\n", "text"]},
            {"cell_type": "code", "id": "sum", "metadata": {}, "source": "1 + 1", "outputs": outputs},
            {"cell_type": "code", "metadata": {}, "source": []},
        )
    )
    assert (await call("Read", file_path="a.ipynb")).output == (
        "[markdown cell intro]\n# Title\ntext\n\n"
        "[code cell sum]\n1 + 1\n[output]\nout\nput\n[output]\n2\n(also as text/html)\n[output]\n(as image/png)\n"
        "[output]\nValueError: no\nTrace\n\n"
        "[code cell cell-2]\n"
    )


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"cells": {}}', '{"cells": [1]}', "[" * 100_000, '{"worksheets": []}']
)
async def test_a_broken_notebook_is_a_clear_answer(refused: Refused, folder: Path, content: str) -> None:
    """What is no notebook of format 4 is an answer, not an exception [A8.3]"""
    (folder / "a.ipynb").write_text(content)
    assert "is not a notebook" in await refused("Read", file_path="a.ipynb")


async def test_odd_cells_are_still_shown(call: Call, folder: Path) -> None:
    """Outputs of unknown form, long outputs, no cells at all [A8.3]"""
    odd = [
        {"output_type": "stream", "text": "x" * 50_000},
        {"data": []},
        7,
        {"output_type": "error", "traceback": None},
    ]
    (folder / "a.ipynb").write_text(notebook({"cell_type": "code", "source": None, "outputs": odd}, {"outputs": 3}))
    assert "output cut at 20000 characters" in (await call("Read", file_path="a.ipynb")).output
    (folder / "b.ipynb").write_text(notebook())
    assert (await call("Read", file_path="b.ipynb")).output == "(The notebook has no cells.)"
