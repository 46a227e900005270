"""BrowserNavigate and BrowserBack."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from matrx_tools.browser.action import browser_action, where
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, failure, success

if TYPE_CHECKING:
    from playwright.async_api import Page, Response

_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|about:|data:|blob:|view-source:)", re.IGNORECASE)
_LOCAL = re.compile(r"^(?:localhost|[0-9.]+|\[[0-9a-f:]+\])(?::[0-9]+)?(?:[/?#]|$)", re.IGNORECASE)

ERROR_PAGE = "chrome-error://chromewebdata/"
ERROR_PAGE_MS = 2_000

WaitUntil = Literal["domcontentloaded", "load", "networkidle", "commit"]


class BrowserNavigateParameters(Parameters):
    """Parameters of BrowserNavigate."""

    url: str = Field(min_length=1, description="Where to go")
    wait_until: WaitUntil = Field(
        "domcontentloaded", description="What has to have happened before the page counts as open"
    )


class BrowserBackParameters(Parameters):
    """BrowserBack takes nothing."""


def full_url(text: str) -> str:
    """`text` as people write addresses: example.com is https, a host of this machine http."""
    address = text.strip()
    if _SCHEME.match(address):
        return address
    return f"{'http' if _LOCAL.match(address) else 'https'}://{address}"


async def go(page: Page, url: str, wait_until: WaitUntil = "domcontentloaded") -> Response | None:
    """Open `url` in `page`."""
    try:
        return await page.goto(full_url(url), wait_until=wait_until)
    except Exception as error:
        if "net::ERR_" in str(error) and "net::ERR_ABORTED" not in str(error):
            # Chromium now opens its own page that says so, and would interrupt the next navigation with it.
            with suppress(Exception):
                await page.wait_for_url(ERROR_PAGE, wait_until="commit", timeout=ERROR_PAGE_MS)
        raise


@browser_action
async def browser_navigate(parameters: BrowserNavigateParameters, session: ToolSession) -> ToolResult:
    """Open a URL in the active tab."""
    page = await session.browser.page()
    response = await go(page, parameters.url, parameters.wait_until)
    status = None if response is None else response.status
    answer = "" if status is None else f"\nStatus: {status}"
    return success(f"{await where(page)}{answer}", metadata={"url": page.url, "status": status})


@browser_action
async def browser_back(parameters: BrowserBackParameters, session: ToolSession) -> ToolResult:
    """Go back in the active tab's history."""
    page = await session.browser.page()
    before = page.url
    # Playwright answers None both for "nowhere to go" and for a page without a response, such as about:blank.
    if await page.go_back(wait_until="domcontentloaded") is None and page.url == before:
        return failure("There is no page to go back to.")
    return success(await where(page))


BROWSER_NAVIGATE = Tool(
    name="BrowserNavigate",
    description=(
        "Open a URL in the browser, a headless Chromium that starts with its first use. Cookies, storage and tabs stay until "
        "BrowserClose."
    ),
    parameters=BrowserNavigateParameters,
    run=browser_navigate,
)

BROWSER_BACK = Tool(
    name="BrowserBack",
    description="Go back to the page before, as a browser's back button does.",
    parameters=BrowserBackParameters,
    run=browser_back,
)
