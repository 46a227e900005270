"""BrowserScreenshot: a picture of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from matrx_tools.browser.action import browser_action, where
from matrx_tools.browser.session import WIDTH
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ImageData, ToolResult, success

if TYPE_CHECKING:
    from playwright.async_api import Page

MAX_HEIGHT = 16_384
"""Pixels of a full page: Chromium's own limit for one picture, beyond which it repeats the beginning."""


class BrowserScreenshotParameters(Parameters):
    """Parameters of BrowserScreenshot."""

    full_page: bool = Field(False, description="The whole page, not just the part in view")
    selector: str | None = Field(None, description="Only the first element that this CSS selector finds")


@browser_action
async def browser_screenshot(parameters: BrowserScreenshotParameters, session: ToolSession) -> ToolResult:
    """A PNG of the view, the page or an element."""
    page = await session.browser.page()
    if parameters.selector is not None:
        png = await page.locator(parameters.selector).first.screenshot(type="png")
    elif parameters.full_page:
        png = await _full_page(page)
    else:
        png = await page.screenshot(type="png")
    return success(f"{await where(page)}\n{len(png)} bytes of PNG", image=ImageData.of("image/png", png))


async def _full_page(page: Page) -> bytes:
    height = await page.evaluate("document.documentElement.scrollHeight")
    if height <= MAX_HEIGHT:
        return await page.screenshot(type="png", full_page=True)
    return await page.screenshot(
        type="png", full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": MAX_HEIGHT}
    )


BROWSER_SCREENSHOT = Tool(
    name="BrowserScreenshot",
    description="Take a picture (PNG) of the view, of the whole page or of one element. For reading use BrowserSnapshot.",
    parameters=BrowserScreenshotParameters,
    run=browser_screenshot,
)
