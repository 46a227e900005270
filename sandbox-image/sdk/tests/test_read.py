"""Read: text."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from matrx_tools import ToolResult, ToolSession
from matrx_tools.files import text_lines

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


async def test_lines_are_numbered_from_one(call: Call, session: ToolSession, folder: Path) -> None:
    """Right-aligned number, TAB, line; and the file counts as read [A8.3]"""
    (folder / "a").write_text("one\n\ttwo\nthree")
    result = await call("Read", file_path=str(folder / "a"))
    assert result.output == "     1\tone\n     2\t\ttwo\n     3\tthree"
    assert session.has_read_file(str(folder / "a"))


async def test_the_numbers_are_those_of_cat(call: Call, folder: Path) -> None:
    """The output is that of `cat -n`, beyond 6 digits too [A8.3]"""
    (folder / "a").write_text("x\n" * 1_000_002)
    shown = subprocess.run(["cat", "-n", folder / "a"], capture_output=True, check=True, text=True).stdout.splitlines()
    result = await call("Read", file_path="a", offset=999_999)
    assert result.output.split("\n") == shown[999_998:]


async def test_2000_lines_are_shown_at_once(call: Call, folder: Path) -> None:
    """Without limit 2000 lines, and where to go on; offset and limit choose others [A8.3]"""
    (folder / "a").write_text("".join(f"line {number}\n" for number in range(1, 2502)))
    lines = (await call("Read", file_path="a")).output.split("\n")
    assert (lines[0], lines[1999]) == ("     1\tline 1", "  2000\tline 2000")
    assert lines[2000:] == ["(The file goes on. Read the next part with offset 2001.)"]
    rest = await call("Read", file_path="a", offset=2001)
    assert rest.output.split("\n")[-1] == "  2501\tline 2501"
    assert rest.metadata == {"next_offset": None}
    some = await call("Read", file_path="a", offset=7, limit=2)
    assert some.output.split("\n")[:2] == ["     7\tline 7", "     8\tline 8"]
    more = await call("Read", file_path="a", limit=2500)
    assert "  2500\tline 2500" in more.output
    assert (await call("Read", file_path="a", offset=0, limit=1)).output.startswith("     1\tline 1")


async def test_a_long_line_is_cut_at_2000_characters(call: Call, folder: Path) -> None:
    """2000 characters of a line, then a note [A8.3]"""
    (folder / "a").write_text("é" * 2000 + "\n" + "é" * 200_001 + "\nnext\n")
    first, second, third = (await call("Read", file_path="a")).output.split("\n")
    assert first == "     1\t" + "é" * 2000
    assert second == "     2\t" + "é" * 2000 + "… [line cut at 2000 characters]"
    assert third == "     3\tnext"


async def test_an_empty_file_says_so(call: Call, folder: Path) -> None:
    """An empty file gives a note [A8.3]"""
    (folder / "a").touch()
    assert (await call("Read", file_path="a")).output == "(The file is empty.)"


async def test_what_is_no_file_is_refused(refused: Refused, session: ToolSession, folder: Path) -> None:
    """A directory, and a file that is missing, are errors [A8.3]"""
    assert "is a directory" in await refused("Read", file_path=str(folder))
    assert await refused("Read", file_path="nowhere") == f"File does not exist: {folder}/nowhere"
    (folder / "file").write_text("x")
    assert "Not a directory" in await refused("Read", file_path="file/below")
    assert "File name too long" in await refused("Read", file_path="x" * 5000)
    assert session.files_read == set()


async def test_symbolic_links_are_followed(call: Call, refused: Refused, folder: Path) -> None:
    """A link is read, a link to nowhere and a loop are clear answers [A8.3]"""
    (folder / "file").write_text("x")
    (folder / "link").symlink_to("file")
    (folder / "lost").symlink_to("gone")
    (folder / "loop").symlink_to("loop")
    assert (await call("Read", file_path="link")).output == "     1\tx"
    assert "is a symbolic link to gone, which does not exist" in await refused("Read", file_path="lost")
    assert "Too many levels of symbolic links" in await refused("Read", file_path="loop")


async def test_what_would_block_is_refused(refused: Refused, folder: Path) -> None:
    """A FIFO, a socket and a device are answers, and none hangs the call [A8.3]"""
    os.mkfifo(folder / "fifo")
    assert "is a named pipe" in await refused("Read", file_path="fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        assert "is a socket" in await refused("Read", file_path="socket")
    assert "is a device" in await refused("Read", file_path="/dev/zero")


async def test_a_binary_file_is_refused(refused: Refused, folder: Path) -> None:
    """A binary file is a clear answer [A8.3]"""
    (folder / "a").write_bytes(b"\x7fELF\0\0\0")
    assert "is a binary file" in await refused("Read", file_path="a")


async def test_bytes_that_are_no_text_are_shown(call: Call, folder: Path) -> None:
    r"""A file that is not UTF-8 is shown with \xNN, and says so [A8.3]"""
    (folder / "a").write_bytes("café\n".encode("latin-1") + "größe\n".encode())
    assert (await call("Read", file_path="a")).output.split("\n") == [
        "     1\tcaf\\xe9",
        "     2\tgröße",
        r"(The file is not valid UTF-8: bytes that are no text are shown as \xNN.)",
    ]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
async def test_other_unicode_is_read_by_its_mark(call: Call, folder: Path, codec: str) -> None:
    """UTF-8 and UTF-16 with a byte-order mark are text [A8.3]"""
    mark = "" if codec in ("utf-8-sig", "utf-16") else "\ufeff"
    (folder / "a").write_bytes(f"{mark}größe\nzwei\n".encode(codec))
    assert (await call("Read", file_path="a")).output == "     1\tgröße\n     2\tzwei"


async def test_windows_line_ends_are_not_shown(call: Call, folder: Path) -> None:
    r"""\r\n ends a line; a lone \r does not [A8.3]"""
    (folder / "a").write_bytes(b"one\r\ntwo\rhalf\r\n")
    assert (await call("Read", file_path="a")).output == "     1\tone\n     2\ttwo\rhalf"


async def test_a_huge_file_is_read_in_part(call: Call, folder: Path) -> None:
    """A sparse file of 1 TiB behind some lines: the first lines come at once [A8.3]"""
    with (folder / "a").open("wb") as file:
        file.write(b"line\n" * 4000)
        file.truncate(1 << 40)
    assert (await call("Read", file_path="a", limit=3)).output.startswith("     1\tline\n     2\tline\n     3\tline\n")


async def test_reading_ends_in_any_case(refused: Refused, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line without end is given up after a time, not read for hours [A8.3]"""
    with (folder / "a").open("wb") as file:
        file.write(b"line\n" * 4000)
        file.truncate(1 << 40)
    monkeypatch.setattr(text_lines, "SECONDS", 0.2)
    assert "took longer than" in await refused("Read", file_path="a", offset=4001)


async def test_much_text_is_bounded(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large the limit, the answer stays bounded, and says where to go on [A8.3]"""
    monkeypatch.setattr(text_lines, "TOTAL_CHARACTERS", 1000)
    (folder / "a").write_text(("x" * 100 + "\n") * 50)
    result = await call("Read", file_path="a", limit=1_000_000)
    assert result.metadata == {"next_offset": 11}


async def test_an_offset_behind_the_end_is_an_error(refused: Refused, folder: Path) -> None:
    """An offset behind the end says how long the file is [A8.3]"""
    (folder / "a").write_text("one\ntwo\n")
    assert await refused("Read", file_path="a", offset=3) == f"{folder}/a has 2 lines; there is no line 3."


async def test_files_of_the_kernel_can_be_read(call: Call) -> None:
    """/proc says a file has no bytes, but it has [A8.3]"""
    assert "Linux" in (await call("Read", file_path="/proc/version")).output
