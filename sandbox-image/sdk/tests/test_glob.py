"""Glob: with fd and without it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from matrx_tools import ToolResult, ToolSession
from matrx_tools.search import glob as glob_module
from matrx_tools.search import list_files as list_files_module

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]

FILES = (
    *(
        "top.py",
        "src/a.py",
        "src/b.ts",
        "src/deep/er/c.py",
        "src/deep/d.tsx",
        "ignored/e.py",
        ".hidden.py",
        ".config/f.py",
    ),
    *(".github/workflows/ci.yml", "a b/g h.py", "[x]/i.py", "größe.py"),
)


@pytest.fixture(params=["fd", "python"])
def lister(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test twice: by fd, and by the fallback where fd is not installed."""
    if request.param == "fd":
        assert shutil.which("fdfind") or shutil.which("fd"), "fd is not installed (Debian: fd-find)"
    else:
        monkeypatch.setattr(list_files_module.shutil, "which", lambda name: None)
    return str(request.param)


@pytest.fixture
def tree(lister: str, folder: Path) -> Path:
    """Files, each a second older than the one before; some are ignored by git, one hidden."""
    for age, name in enumerate(FILES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    (folder / ".git").mkdir()
    (folder / ".gitignore").write_text("ignored\n")
    return folder


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.ts", ["src/b.ts"]),
        ("src/*.py", ["src/a.py"]),
        ("src/**/*.py", ["src/a.py", "src/deep/er/c.py"]),
        ("**/*.py", ["top.py", "src/a.py", "src/deep/er/c.py", "ignored/e.py", "a b/g h.py", "[x]/i.py", "größe.py"]),
        ("*.py", ["top.py", "src/a.py", "src/deep/er/c.py", "ignored/e.py", "a b/g h.py", "[x]/i.py", "größe.py"]),
        ("**/*.{ts,tsx}", ["src/b.ts", "src/deep/d.tsx"]),
        ("src/{a,deep/er/c}.py", ["src/a.py", "src/deep/er/c.py"]),
        ("src/[a-b].*", ["src/a.py", "src/b.ts"]),
        ("src/[!a].*", ["src/b.ts"]),
        ("src/?.py", ["src/a.py"]),
        ("src/**", ["src/a.py", "src/b.ts", "src/deep/er/c.py", "src/deep/d.tsx"]),
        ("**/er/**", ["src/deep/er/c.py"]),
        (".*", [".hidden.py", ".gitignore"]),
        (".github/**/*.yml", [".github/workflows/ci.yml"]),
        ("**/.config/*", [".config/f.py"]),
        ("src/a.py", ["src/a.py"]),
        ("./src/a.py", ["src/a.py"]),
        ("a b/*", ["a b/g h.py"]),
        ("\\[x\\]/*", ["[x]/i.py"]),
        ("gr*e.py", ["größe.py"]),
        ("***x***", ["src/deep/d.tsx"]),
    ],
)
async def test_patterns(call: Call, tree: Path, pattern: str, names: list[str]) -> None:
    """What patterns match, newest first, by fd as by Python [A8.5]"""
    found = (await call("Glob", pattern=pattern)).output.split("\n")
    assert [os.path.relpath(path, tree) for path in found] == sorted(
        names, key=lambda name: -(tree / name).stat().st_mtime
    )


@pytest.mark.parametrize("pattern", ["*.rs", "src", "src/", "nowhere/*", "top.py/*", "{}", "[", "src/a.py/.."])
async def test_nothing_matches(call: Call, tree: Path, pattern: str) -> None:
    """No match is said in words; directories are none [A8.5]"""
    assert (await call("Glob", pattern=pattern)).output == "No files matched the pattern."


async def test_path_and_absolute_patterns(call: Call, refused: Refused, tree: Path, session: ToolSession) -> None:
    """path chooses where; an absolute pattern stands for itself; a path that is no directory is an error [A8.5]"""
    assert (await call("Glob", pattern="*.ts", path="src")).output == f"{tree}/src/b.ts"
    assert (await call("Glob", pattern=f"{tree}/src/*.ts", path="a b")).output == f"{tree}/src/b.ts"
    session.cwd = str(tree / "src/deep")
    assert (await call("Glob", pattern="../*.ts")).output == f"{tree}/src/b.ts"
    assert "does not exist" in await refused("Glob", pattern="*", path="/nowhere")
    assert "is not a directory" in await refused("Glob", pattern="*", path=str(tree / "top.py"))


async def test_links_are_files_if_they_point_at_one(call: Call, tree: Path) -> None:
    """A link to a file is a file; links to directories, loops and links to nowhere are not followed [A8.5]"""
    (tree / "links").mkdir()
    (tree / "links/file").symlink_to("../top.py")
    (tree / "links/up").symlink_to("..")
    (tree / "links/lost").symlink_to("nowhere")
    (tree / "links/loop").symlink_to("loop")
    os.mkfifo(tree / "links/fifo")
    assert (await call("Glob", pattern="links/**")).output == f"{tree}/links/file"


async def test_a_name_that_is_no_text(call: Call, tree: Path) -> None:
    r"""A file name that is not UTF-8 is shown with escapes [A8.5]"""
    (tree / os.fsdecode(b"caf\xe9.xyz")).touch()
    assert (await call("Glob", pattern="*.xyz")).output == f"{tree}/caf\\udce9.xyz"


async def test_very_many_files_are_cut(call: Call, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are shown, and how many are not [A8.5]"""
    monkeypatch.setattr(glob_module, "MAX_SHOWN", 2)
    result = await call("Glob", pattern="src/**")
    assert result.output.split("\n")[2:] == ["(2 older files are not shown. Narrow the pattern.)"]
    assert result.metadata == {"count": 4}


async def test_patterns_that_are_none(refused: Refused, tree: Path) -> None:
    """A pattern that cannot be one says so [A8.5]"""
    assert "is not a glob pattern" in await refused("Glob", pattern="[z-a]")
    assert "stands for more than 1000 patterns" in await refused("Glob", pattern="{a,b}" * 12)


async def test_a_directory_that_may_not_be_read_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read does not spoil the rest [A8.5]"""
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    (folder / "b/file").touch()
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("a/"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(list_files_module.os, "scandir", scandir)
    assert list_files_module._walk(str(folder), False) == ["b/file"]


async def test_a_search_without_end_is_given_up(
    lister: str, refused: Refused, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tree too large for the time or the memory is an answer that says to look nearer [A8.5]"""
    (folder / "file").touch()
    monkeypatch.setattr(list_files_module, "MAX_BYTES", 1)
    if lister == "python":
        monkeypatch.setattr(list_files_module, "SECONDS", -1.0)
    assert "Give a path that is nearer" in await refused("Glob", pattern="*")
