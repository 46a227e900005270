"""ToolSession: what the calls of one agent share."""

from __future__ import annotations

import asyncio
import os

from matrx_tools.browser.session import BrowserSession
from matrx_tools.shell.background import BackgroundShell
from matrx_tools.todo_item import TodoItem

DEFAULT_HOME = "/home/agent"


class ToolSession:
    """The state between two tool calls: working directory, what was read, background shells, to-do list, browser.

    The working directory is `working_dir`, else HOT_PATH, else /home/agent. Ends with `cleanup`; also usable as
    `async with ToolSession() as session:`.
    """

    def __init__(self, working_dir: str | os.PathLike[str] | None = None) -> None:
        start = os.fspath(working_dir) if working_dir else os.environ.get("HOT_PATH") or DEFAULT_HOME
        self.cwd: str = os.path.abspath(start)
        self.files_read: set[str] = set()
        self.background_shells: dict[str, BackgroundShell] = {}
        self.todos: list[TodoItem] = []
        self.browser: BrowserSession = BrowserSession()
        self.draining: set[asyncio.Task[None]] = set()
        """Readers of what foreground commands have left running: their output goes nowhere, but must be taken."""
        self.changes: asyncio.Lock = asyncio.Lock()
        """Held while a file is changed: models send calls in parallel, and of two edits of one file none may be lost."""
        self._shells_started = 0

    def resolve_path(self, path: str | os.PathLike[str]) -> str:
        """`path` as an absolute path, seen from the working directory; `~` is the home."""
        text = os.fspath(path)
        if text == "~" or text.startswith("~/"):
            text = (os.environ.get("HOT_PATH") or DEFAULT_HOME) + text[1:]
        return os.path.join(self.cwd, text)

    def mark_file_read(self, path: str | os.PathLike[str]) -> None:
        """Remember that the model knows this file, under whichever of its names."""
        self.files_read.add(os.path.realpath(path))

    def has_read_file(self, path: str | os.PathLike[str]) -> bool:
        """Whether the model knows this file."""
        return os.path.realpath(path) in self.files_read

    def next_shell_id(self) -> str:
        """shell_1, shell_2, …"""
        self._shells_started += 1
        return f"shell_{self._shells_started}"

    async def cleanup(self) -> None:
        """Close the browser and kill what runs in the background. May be called more than once."""
        try:
            await self.browser.close()
        finally:
            shells = list(self.background_shells.values())
            await asyncio.gather(*(shell.stop() for shell in shells), return_exceptions=True)
            for task in self.draining:
                task.cancel()
            await asyncio.gather(*self.draining, return_exceptions=True)

    async def __aenter__(self) -> ToolSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cleanup()
