"""BrowserClick and BrowserScroll."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from pydantic import Field, model_validator

from matrx_tools.browser.action import browser_action, where
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, success

SCROLL_PIXELS = 100
SETTLE_MS = 3_000


class Position(Parameters):
    """A place in the view, in pixels from its upper left corner."""

    x: float
    y: float


class BrowserClickParameters(Parameters):
    """Parameters of BrowserClick."""

    selector: str | None = Field(None, min_length=1, description="Click the first element that this CSS selector finds")
    text: str | None = Field(
        None, min_length=1, description="Click the first visible element that holds this text, in any case"
    )
    position: Position | None = Field(None, description="Click this place of the view, in pixels")
    button: Literal["left", "right", "middle"] = Field("left", description="Which button of the mouse")
    click_count: int = Field(1, ge=1, le=10, description="How many clicks; 2 is a double click")

    @model_validator(mode="after")
    def _one_target(self) -> BrowserClickParameters:
        if sum(target is not None for target in (self.selector, self.text, self.position)) != 1:
            raise ValueError("give exactly one of selector, text and position")
        return self


class BrowserScrollParameters(Parameters):
    """Parameters of BrowserScroll."""

    direction: Literal["up", "down", "left", "right"] = Field("down", description="Where to")
    amount: int = Field(3, ge=1, le=10_000, description=f"How far, in steps of {SCROLL_PIXELS} pixels")
    selector: str | None = Field(
        None,
        min_length=1,
        description="Bring the first element that this CSS selector finds into view, and scroll what scrolls it",
    )


@browser_action
async def browser_click(parameters: BrowserClickParameters, session: ToolSession) -> ToolResult:
    """Click an element or a place."""
    page = await session.browser.page()
    if parameters.position is not None:
        place = parameters.position
        await page.mouse.click(place.x, place.y, button=parameters.button, click_count=parameters.click_count)
        what = f"({place.x:g}, {place.y:g})"
    else:
        found = (
            page.locator(parameters.selector)
            if parameters.selector
            else page.get_by_text(parameters.text or "").filter(visible=True)
        )
        await found.first.click(button=parameters.button, click_count=parameters.click_count)
        what = parameters.selector or f'"{parameters.text}"'
    with suppress(Exception):  # a page that loads for long is still a click that was made
        await page.wait_for_load_state("domcontentloaded", timeout=SETTLE_MS)
    return success(f"Clicked {what}.\n{await where(page)}")


# Scrolls what holds the element, as a wheel over it would, or else the page; and says where the page then stands.
_SCROLL = """(element, [dx, dy]) => {
  const scrolls = (node) => {
    const style = getComputedStyle(node);
    const along = dy !== 0 ? [style.overflowY, node.scrollHeight > node.clientHeight]
                           : [style.overflowX, node.scrollWidth > node.clientWidth];
    return along[1] && /auto|scroll/.test(along[0]);
  };
  let node = element;
  while (node && node !== document.body && !scrolls(node)) node = node.parentElement;
  const target = node && node !== document.body ? node : window;
  target.scrollBy({ left: dx, top: dy, behavior: 'instant' });
  return [Math.round(window.scrollX), Math.round(window.scrollY)];
}"""


@browser_action
async def browser_scroll(parameters: BrowserScrollParameters, session: ToolSession) -> ToolResult:
    """Scroll the page, or what an element stands in."""
    page = await session.browser.page()
    pixels = parameters.amount * SCROLL_PIXELS
    dx, dy = {"up": (0, -pixels), "down": (0, pixels), "left": (-pixels, 0), "right": (pixels, 0)}[parameters.direction]
    if parameters.selector is None:
        x, y = await page.evaluate(f"(delta) => ({_SCROLL})(null, delta)", [dx, dy])
    else:
        element = page.locator(parameters.selector).first
        await element.scroll_into_view_if_needed()
        x, y = await element.evaluate(_SCROLL, [dx, dy])
    return success(
        f"Scrolled {parameters.direction} by {pixels} pixels; the page stands at ({x}, {y}).", metadata={"x": x, "y": y}
    )


BROWSER_CLICK = Tool(
    name="BrowserClick",
    description="Click an element, found by CSS selector or by its text, or a place in the view. Give exactly one of the three.",
    parameters=BrowserClickParameters,
    run=browser_click,
)

BROWSER_SCROLL = Tool(
    name="BrowserScroll",
    description="Scroll the page; with selector, what that element stands in.",
    parameters=BrowserScrollParameters,
    run=browser_scroll,
)
