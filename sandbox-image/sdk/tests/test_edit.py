"""Edit and MultiEdit."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from matrx_tools import ToolResult, ToolSession, dispatch
from matrx_tools.files import edit as edit_module

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


@pytest.fixture
def known(session: ToolSession, folder: Path) -> Callable[[bytes], Path]:
    """A file with this content that was read."""

    def made(content: bytes) -> Path:
        path = folder / "a.txt"
        path.write_bytes(content)
        session.mark_file_read(path)
        return path

    return made


async def test_one_place_is_replaced(call: Call, known: Callable[[bytes], Path]) -> None:
    """Edit replaces the one place where old_string stands [A8.4]"""
    path = known(b"one two three\n")
    result = await call("Edit", file_path=str(path), old_string="two", new_string="2")
    assert path.read_bytes() == b"one 2 three\n"
    assert result.metadata == {"replacements": [1]}


async def test_a_file_must_be_read_first(refused: Refused, folder: Path) -> None:
    """Edit and MultiEdit refuse a file that was not Read, and one that is not there [A8.4]"""
    (folder / "a").write_text("x")
    step = {"old_string": "x", "new_string": "y"}
    assert "has not been read" in await refused("Edit", file_path="a", **step)
    assert "has not been read" in await refused("MultiEdit", file_path="a", edits=[step])
    assert "does not exist" in await refused("Edit", file_path="b", **step)
    assert "is a directory" in await refused("Edit", file_path=".", **step)
    assert (folder / "a").read_text() == "x"


async def test_old_and_new_must_differ(refused: Refused, known: Callable[[bytes], Path]) -> None:
    """The same text twice, an empty one, and one that is not there are errors [A8.4]"""
    path = known(b"one\n")
    assert "are the same" in await refused("Edit", file_path="a.txt", old_string="one", new_string="one")
    assert "is empty" in await refused("Edit", file_path="a.txt", old_string="", new_string="x")
    assert "does not occur" in await refused("Edit", file_path="a.txt", old_string="two", new_string="x")
    assert path.read_bytes() == b"one\n"


async def test_old_must_be_unique_unless_all_are_meant(
    call: Call, refused: Refused, known: Callable[[bytes], Path]
) -> None:
    """Several places are an error that names their lines; with replace_all they are all replaced [A8.4]"""
    path = known(b"x\ny x\n\nx\n")
    text = await refused("Edit", file_path="a.txt", old_string="x", new_string="z")
    assert "occurs 3 times (lines 1, 2, 4)" in text
    assert path.read_bytes() == b"x\ny x\n\nx\n"
    result = await call("Edit", file_path="a.txt", old_string="x", new_string="z", replace_all=True)
    assert path.read_bytes() == b"z\ny z\n\nz\n"
    assert "3 places" in result.output


async def test_several_edits_are_made_in_order(call: Call, known: Callable[[bytes], Path]) -> None:
    """MultiEdit: each edit sees what those before it made [A8.4]"""
    path = known(b"one two\n")
    edits = [
        {"old_string": "one", "new_string": "two"},
        {"old_string": "two", "new_string": "three", "replace_all": True},
        {"old_string": "three three", "new_string": "done"},
    ]
    result = await call("MultiEdit", file_path="a.txt", edits=edits)
    assert path.read_bytes() == b"done\n"
    assert result.metadata == {"replacements": [1, 2, 1]}


async def test_one_edit_that_fails_undoes_all(refused: Refused, known: Callable[[bytes], Path]) -> None:
    """MultiEdit: all or nothing, and the answer names the edit [A8.4]"""
    path = known(b"one two\n")
    edits = [{"old_string": "one", "new_string": "1"}, {"old_string": "three", "new_string": "3"}]
    text = await refused("MultiEdit", file_path="a.txt", edits=edits)
    assert text.startswith("Edit 2 of 2: old_string does not occur") and "is unchanged" in text
    assert path.read_bytes() == b"one two\n"


async def test_windows_line_ends_stay(call: Call, known: Callable[[bytes], Path]) -> None:
    r"""Read shows \r\n as a line end, so old_string comes with \n; it never matched in such a file"""
    path = known(b"one\r\ntwo\r\nthree\r\n")
    await call("Edit", file_path="a.txt", old_string="one\ntwo", new_string="1\n2\n2b")
    assert path.read_bytes() == b"1\r\n2\r\n2b\r\nthree\r\n"
    path = known(b"one\r\ntwo\nthree\n")
    await call("Edit", file_path="a.txt", old_string="two\nthree", new_string="2\n3")
    assert path.read_bytes() == b"one\r\n2\n3\n"


async def test_bytes_that_are_no_text_stay_as_they_are(call: Call, known: Callable[[bytes], Path]) -> None:
    """A file that is not UTF-8 keeps every byte that is not replaced"""
    path = known("café ".encode("latin-1") + b"two \xff\xfe\n")
    await call("Edit", file_path="a.txt", old_string="two", new_string="zwei")
    assert path.read_bytes() == b"caf\xe9 zwei \xff\xfe\n"


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
async def test_the_encoding_stays(call: Call, known: Callable[[bytes], Path], codec: str) -> None:
    """A byte-order mark and UTF-16 stay [A8.4]"""
    path = known("größe\n".encode(codec))
    await call("Edit", file_path="a.txt", old_string="größe", new_string="Maß")
    assert path.read_bytes() == "Maß\n".encode(codec)


async def test_binary_and_huge_files_are_refused(
    refused: Refused, known: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A binary and a huge file are clear answers [A8.4]"""
    known(b"a\0b")
    assert "is a binary file" in await refused("Edit", file_path="a.txt", old_string="a", new_string="c")
    monkeypatch.setattr(edit_module, "MAX_BYTES", 2)
    known(b"abc")
    assert "has 3 bytes, more than the 2" in await refused("Edit", file_path="a.txt", old_string="a", new_string="c")


async def test_the_mode_of_an_edited_script_stays(call: Call, known: Callable[[bytes], Path]) -> None:
    """An edited script can still be run [A8.4]"""
    path = known(b"#!/bin/sh\n")
    path.chmod(0o750)
    await call("Edit", file_path="a.txt", old_string="/bin/sh", new_string="/bin/bash")
    assert stat.S_IMODE(path.stat().st_mode) == 0o750


async def test_edits_made_at_once_are_all_kept(session: ToolSession, known: Callable[[bytes], Path]) -> None:
    """Models send calls in parallel: of two edits of one file the later to write undid the earlier"""
    path = known("".join(f"<{number}>\n" for number in range(30)).encode())
    calls = (
        dispatch("Edit", {"file_path": str(path), "old_string": f"<{number}>", "new_string": f"[{number}]"}, session)
        for number in range(30)
    )
    assert not any(result.is_error for result in await asyncio.gather(*calls))
    assert path.read_text() == "".join(f"[{number}]\n" for number in range(30))
