"""BrowserSession: one headless Chromium for one agent.

closed: no process. It is also where a browser that died or was closed is found to be. The first use opens it.
open: a persistent context with tabs page_1, page_2, … of which one is active. Tabs that a page opens itself are added, a tab
that is gone is taken off; if the active one is gone, another is, and with none left the next use opens one.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING

from matrx_tools.browser.chromium import can_sandbox, chromium_path
from matrx_tools.browser.console_log import ConsoleLog
from matrx_tools.types import ToolError

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Error, Page, Playwright, WebError

TIMEOUT_MS = 30_000
CLOSE_SECONDS = 10.0
WIDTH, HEIGHT = 1280, 720


class BrowserSession:
    """The browser of a session; opened by its first use."""

    def __init__(self) -> None:
        self.console = ConsoleLog()
        self.pages: dict[str, Page] = {}
        self.active_page_id: str | None = None
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._profile: tempfile.TemporaryDirectory[str] | None = None
        self._opening = asyncio.Lock()
        self._pages_opened = 0

    @property
    def is_running(self) -> bool:
        """Whether there is a browser to talk to."""
        return self._context is not None

    async def page(self) -> Page:
        """The active tab; opens browser and tab where there is none. Raises ToolError."""
        context = await self._open()
        if self.active_page_id is None:
            self._register(await context.new_page())
        assert self.active_page_id is not None
        return self.pages[self.active_page_id]

    async def new_page(self) -> tuple[str, Page]:
        """A new tab, which becomes the active one."""
        page = await (await self._open()).new_page()
        page_id = self._register(page)
        self.active_page_id = page_id
        return page_id, page

    def activate(self, page_id: str) -> Page:
        """Make a tab the active one. Raises ToolError naming those that are there."""
        if page_id not in self.pages:
            raise ToolError(f"There is no tab {page_id}. Open tabs: {', '.join(self.pages) or 'none'}")
        self.active_page_id = page_id
        return self.pages[page_id]

    async def close(self) -> None:
        """End the browser and remove its profile. Never fails; a browser that does not end in time is left to the system."""
        context, playwright, profile = self._context, self._playwright, self._profile
        self._forget()
        self._playwright = None
        self._profile = None
        if context is not None:
            await _end(context.close())
        if playwright is not None:
            await _end(playwright.stop())
        if profile is not None:
            await asyncio.to_thread(profile.cleanup)

    async def _open(self) -> BrowserContext:
        async with self._opening:  # models call tools in parallel: still one browser
            if self._context is not None:
                return self._context
            await self.close()
            try:
                return await self._launch()
            except BaseException:
                await self.close()
                raise

    async def _launch(self) -> BrowserContext:
        try:
            from playwright.async_api import async_playwright
        except ImportError:
            raise ToolError(
                "Playwright is not installed here. Install it with: pip install 'matrx-sdk[browser]'"
            ) from None
        executable = chromium_path()
        sandboxed = await asyncio.to_thread(can_sandbox)
        self._profile = tempfile.TemporaryDirectory(prefix="matrx-browser-", ignore_cleanup_errors=True)
        self._playwright = await async_playwright().start()
        context = await self._playwright.chromium.launch_persistent_context(
            self._profile.name,
            headless=True,
            executable_path=executable,
            chromium_sandbox=sandboxed,
            viewport={"width": WIDTH, "height": HEIGHT},
            timeout=TIMEOUT_MS,
            # A pod's /dev/shm has 64 MB, too few for large pages.
            args=["--disable-dev-shm-usage", "--disable-gpu"],
        )
        context.set_default_timeout(TIMEOUT_MS)
        context.set_default_navigation_timeout(TIMEOUT_MS)
        context.on("close", lambda _: self._closed(context))
        context.on("console", self._log_message)
        context.on("weberror", self._log_error)
        context.on("dialog", self._dismiss)
        self._context = context
        for page in context.pages:
            self._register(page)
        context.on("page", self._page_opened)
        return context

    def _register(self, page: Page) -> str:
        for page_id, known in self.pages.items():
            if known is page:
                return page_id
        self._pages_opened += 1
        page_id = f"page_{self._pages_opened}"
        self.pages[page_id] = page
        page.on("close", lambda _: self._page_closed(page_id))
        page.on("crash", lambda _: self._page_crashed(page_id))
        if self.active_page_id is None:
            self.active_page_id = page_id
        return page_id

    def _page_opened(self, page: Page) -> None:
        self._register(page)

    def _page_closed(self, page_id: str) -> None:
        self.pages.pop(page_id, None)
        if self.active_page_id == page_id:
            self.active_page_id = next(reversed(self.pages), None)

    def _page_crashed(self, page_id: str) -> None:
        self.console.add("error", f"{page_id} has crashed; it is no longer open.")
        self._page_closed(page_id)

    def _closed(self, context: BrowserContext) -> None:
        if self._context is context:
            self._forget()

    def _forget(self) -> None:
        self._context = None
        self.pages.clear()
        self.active_page_id = None
        self._pages_opened = 0

    def _log_message(self, message: ConsoleMessage) -> None:
        self.console.add(message.type, message.text)

    def _log_error(self, error: WebError) -> None:
        self.console.add("error", f"{error.error.name}: {error.error.message}")

    async def _dismiss(self, dialog: Dialog) -> None:
        """A dialog stops its page until it is answered. The model learns of it from the console."""
        self.console.add("dialog", f"{dialog.type} was dismissed: {dialog.message}")
        with suppress(Exception):
            await dialog.dismiss()


async def _end(closing: Coroutine[None, None, None]) -> None:
    with suppress(Exception):
        await asyncio.wait_for(closing, CLOSE_SECONDS)


def first_line(error: Error) -> str:
    """What Playwright says is wrong, without its log of calls."""
    return error.message.partition("\nCall log:")[0].strip()
