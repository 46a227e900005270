"""BrowserWaitFor: until something is on the page."""

from __future__ import annotations

from pydantic import Field, model_validator

from matrx_tools.browser.action import browser_action, where
from matrx_tools.browser.session import TIMEOUT_MS
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, failure, success

MAX_TIMEOUT_MS = 600_000


class BrowserWaitForParameters(Parameters):
    """Parameters of BrowserWaitFor."""

    text: str | None = Field(None, min_length=1, description="Wait until this text can be seen")
    selector: str | None = Field(
        None, min_length=1, description="Wait until an element that this CSS selector finds can be seen"
    )
    timeout: int = Field(TIMEOUT_MS, ge=1, le=MAX_TIMEOUT_MS, description="Milliseconds to wait at most")

    @model_validator(mode="after")
    def _one_target(self) -> BrowserWaitForParameters:
        if (self.text is None) == (self.selector is None):
            raise ValueError("give exactly one of text and selector")
        return self


@browser_action
async def browser_wait_for(parameters: BrowserWaitForParameters, session: ToolSession) -> ToolResult:
    """Wait for text or an element."""
    from playwright.async_api import TimeoutError as PlaywrightTimeout

    page = await session.browser.page()
    found = page.locator(parameters.selector) if parameters.selector else page.get_by_text(parameters.text or "")
    what = parameters.selector or f'"{parameters.text}"'
    try:
        await found.filter(visible=True).first.wait_for(state="visible", timeout=parameters.timeout)
    except PlaywrightTimeout:
        return failure(f"{what} did not appear within {parameters.timeout} ms.\n{await where(page)}")
    return success(f"{what} is there.\n{await where(page)}")


BROWSER_WAIT_FOR = Tool(
    name="BrowserWaitFor",
    description="Wait until a text or an element can be seen on the page. Give exactly one of text and selector.",
    parameters=BrowserWaitForParameters,
    run=browser_wait_for,
)
