"""What every browser tool does around its own work: a page to work on, a bound in time, and Playwright's faults as answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

from matrx_tools.browser.session import TIMEOUT_MS, first_line
from matrx_tools.parameters import Parameters
from matrx_tools.types import ToolError, ToolResult

if TYPE_CHECKING:
    from playwright.async_api import Page

    from matrx_tools.session import ToolSession

P = TypeVar("P", bound=Parameters)
Action = Callable[[P, "ToolSession"], Awaitable[ToolResult]]

TITLE_SECONDS = 5.0
# Playwright's own limits come first; this one is for what has none, such as a page whose script never ends.
MARGIN_SECONDS = 15.0


def browser_action(run: Action[P]) -> Action[P]:
    """`run`, whose Playwright errors become ToolErrors, and which ends in any case."""

    @wraps(run)
    async def bounded(parameters: P, session: ToolSession) -> ToolResult:
        own = getattr(parameters, "timeout", None)
        seconds = (own or TIMEOUT_MS) / 1000 + MARGIN_SECONDS
        try:
            async with asyncio.timeout(seconds):
                return await run(parameters, session)
        except TimeoutError:
            raise ToolError(
                f"The page did not answer within {seconds:.0f} s. Its script may be busy: BrowserClose ends it."
            ) from None
        except Exception as error:
            if not _is_playwright_error(error):
                raise
            raise ToolError(first_line(error)) from error  # type: ignore[arg-type]

    return bounded


def _is_playwright_error(error: Exception) -> bool:
    # Without an import: where Playwright is missing the other tools must work.
    return any(base.__module__.startswith("playwright.") for base in type(error).__mro__)


async def where(page: Page) -> str:
    """The page's title and URL, as most answers end."""
    try:
        async with asyncio.timeout(TITLE_SECONDS):
            title = await page.title()
    except Exception:
        title = ""  # it is on its way elsewhere, or too busy to say
    return f"Page: {title or '(no title)'}\nURL: {page.url}"


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of `text`, with a note of what is missing."""
    return text if len(text) <= limit else f"{text[:limit]}\n… [cut at {limit} of {len(text)} characters]"
