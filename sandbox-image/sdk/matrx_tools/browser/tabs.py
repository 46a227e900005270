"""BrowserTabs: several pages at once."""

from __future__ import annotations

import asyncio
from typing import Literal

from pydantic import Field, model_validator

from matrx_tools.browser.action import browser_action, where
from matrx_tools.browser.navigate import go
from matrx_tools.browser.session import BrowserSession
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, success


class BrowserTabsParameters(Parameters):
    """Parameters of BrowserTabs."""

    action: Literal["list", "new", "switch", "close"] = Field("list", description="What to do")
    page_id: str | None = Field(None, description="Which tab to switch to or to close, such as page_2")
    url: str | None = Field(None, min_length=1, description="What to open in a new tab")

    @model_validator(mode="after")
    def _has_target(self) -> BrowserTabsParameters:
        if self.action in ("switch", "close") and not self.page_id:
            raise ValueError(f"{self.action} needs page_id")
        return self


@browser_action
async def browser_tabs(parameters: BrowserTabsParameters, session: ToolSession) -> ToolResult:
    """List, open, switch to or close tabs."""
    browser = session.browser
    if parameters.action == "new":
        page_id, page = await browser.new_page()
        if parameters.url is not None:
            await go(page, parameters.url)
        return success(f"Opened {page_id}.\n{await where(page)}", metadata={"page_id": page_id})
    if parameters.action == "switch":
        page = browser.activate(parameters.page_id or "")
        await page.bring_to_front()
        return success(f"Switched to {parameters.page_id}.\n{await where(page)}")
    if parameters.action == "close":
        active = browser.active_page_id
        page = browser.activate(parameters.page_id or "")
        if active in browser.pages:
            browser.active_page_id = active
        await page.close()
        return success(f"Closed {parameters.page_id}.\n{await _listed(browser)}")
    return success(await _listed(browser))


async def _listed(browser: BrowserSession) -> str:
    if not browser.pages:
        return "No tabs are open."
    places = await asyncio.gather(*(where(page) for page in browser.pages.values()))
    return "\n".join(
        f"{'*' if page_id == browser.active_page_id else ' '} {page_id} {place.replace(chr(10), ' ')}"
        for page_id, place in zip(browser.pages, places, strict=False)
    )


BROWSER_TABS = Tool(
    name="BrowserTabs",
    description="List the browser's tabs (the active one has a star), open a new one, switch to one, or close one.",
    parameters=BrowserTabsParameters,
    run=browser_tabs,
)
