"""Write, and the atomic replacing beneath it."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from matrx_tools import ToolResult, ToolSession
from matrx_tools.files import atomic_write
from matrx_tools.files.atomic_write import write_atomically
from matrx_tools.types import ToolError

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


async def test_a_new_file_is_written_with_its_directories(call: Call, session: ToolSession, folder: Path) -> None:
    """mkdir -p, the bytes are reported, and the file counts as read [A8.4]"""
    result = await call("Write", file_path="a/b/c.txt", content="größe\n")
    assert (folder / "a/b/c.txt").read_text() == "größe\n"
    assert "8 bytes" in result.output
    assert session.has_read_file(str(folder / "a/b/c.txt"))
    await call("Write", file_path="a/b/c.txt", content="")
    assert (folder / "a/b/c.txt").read_text() == ""


async def test_a_file_that_exists_must_be_read_first(call: Call, refused: Refused, folder: Path) -> None:
    """An existing file must be Read first, under whichever name [A8.4]"""
    (folder / "a").write_text("old")
    (folder / "link").symlink_to("a")
    assert "has not been read" in await refused("Write", file_path="a", content="new")
    assert "has not been read" in await refused("Write", file_path="link", content="new")
    assert (folder / "a").read_text() == "old"
    await call("Read", file_path="a")
    await call("Write", file_path="link", content="new")
    assert (folder / "a").read_text() == "new"
    assert (folder / "link").is_symlink()


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o640, 0o444 | stat.S_IWUSR])
async def test_the_mode_stays(call: Call, folder: Path, mode: int) -> None:
    """Replacing a script does not take its x bit away: mode and directory are as before, and nothing is left over [A8.4]"""
    path = folder / "run.sh"
    path.write_text("old")
    path.chmod(mode)
    await call("Read", file_path="run.sh")
    await call("Write", file_path="run.sh", content="new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert os.listdir(folder) == ["run.sh"]


async def test_a_new_file_has_the_usual_mode(call: Call, folder: Path) -> None:
    """A new file's mode comes from the umask, not from a temporary file's 600 [A8.4]"""
    before = os.umask(0o027)
    try:
        await call("Write", file_path="a", content="x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o640


async def test_what_cannot_be_written_is_refused(call: Call, refused: Refused, folder: Path) -> None:
    """Directories, pipes and paths through files are clear answers [A8.4]"""
    (folder / "file").write_text("x")
    os.mkfifo(folder / "fifo")
    assert "is a directory" in await refused("Write", file_path=str(folder), content="x")
    assert "is a named pipe" in await refused("Write", file_path="fifo", content="x")
    assert "Not a directory" in await refused("Write", file_path="file/below/it", content="x")
    assert "File name too long" in await refused("Write", file_path="x" * 300, content="x")
    assert sorted(os.listdir(folder)) == ["fifo", "file"]


async def test_a_link_to_nowhere_is_written_where_it_points(call: Call, folder: Path) -> None:
    """A symbolic link stays one [A8.4]"""
    (folder / "link").symlink_to("target")
    await call("Write", file_path="link", content="x")
    assert (folder / "target").read_text() == "x"
    assert (folder / "link").is_symlink()


def test_a_write_that_fails_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk in the middle of a write leaves the old content, and no temporary file [A8.4]"""
    path = folder / "a"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write.os, "fsync", full)
    with pytest.raises(ToolError, match="No space left on device"):
        write_atomically(str(path), b"new")
    assert path.read_text() == "old"
    assert os.listdir(folder) == ["a"]


def test_readers_see_the_old_or_the_new(folder: Path) -> None:
    """An open file keeps the old content: the new one is another file, renamed over it [A8.4]"""
    path = folder / "a"
    path.write_text("old")
    with path.open() as reader:
        write_atomically(str(path), b"new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of a user without privilege, who the test then is: root may write anything."""
    if os.geteuid() != 0:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
        return
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, 65534, 65534)
        os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


def test_a_file_made_read_only_stays(as_nobody: Path) -> None:
    """Renaming over a file needs no right to it: a file that was made read-only was replaced all the same [A8.4]"""
    path = as_nobody / "a"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(ToolError, match="is read-only"):
        write_atomically(str(path), b"new")
    assert path.read_text() == "old"


def test_a_directory_without_permission_is_a_clear_answer(as_nobody: Path) -> None:
    """A directory that may not be written says so [A8.4]"""
    with pytest.raises(ToolError, match="Permission denied: /usr/matrx-test"):
        write_atomically("/usr/matrx-test", b"new")
