"""BrowserType and BrowserPressKey."""

from __future__ import annotations

from pydantic import Field

from matrx_tools.browser.action import browser_action, where
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, success

TYPED_CHARACTERS = 1000
"""Longer texts are put in at once, as a paste is: key by key they would take minutes."""


class BrowserTypeParameters(Parameters):
    """Parameters of BrowserType."""

    text: str = Field(description="What to type")
    selector: str | None = Field(
        None,
        min_length=1,
        description="Into the first element that this CSS selector finds; without it, into the one with the focus",
    )
    press_enter: bool = Field(False, description="Press Enter at the end")
    clear_first: bool = Field(False, description="Remove what stands in the field first")


class BrowserPressKeyParameters(Parameters):
    """Parameters of BrowserPressKey."""

    key: str = Field(min_length=1, description='A key or a combination, such as "Enter", "ArrowDown", "Control+a"')


@browser_action
async def browser_type(parameters: BrowserTypeParameters, session: ToolSession) -> ToolResult:
    """Type into a field."""
    page = await session.browser.page()
    if parameters.selector is not None:
        field = page.locator(parameters.selector).first
        if parameters.clear_first:
            await field.fill("")
        await field.focus()
    elif parameters.clear_first:
        await page.keyboard.press("Control+a")
        await page.keyboard.press("Delete")
    if len(parameters.text) > TYPED_CHARACTERS:
        await page.keyboard.insert_text(parameters.text)
    else:
        await page.keyboard.type(parameters.text)
    if parameters.press_enter:
        await page.keyboard.press("Enter")
    into = f" into {parameters.selector}" if parameters.selector else ""
    entered = " and pressed Enter" if parameters.press_enter else ""
    return success(f"Typed {len(parameters.text)} characters{into}{entered}.\n{await where(page)}")


@browser_action
async def browser_press_key(parameters: BrowserPressKeyParameters, session: ToolSession) -> ToolResult:
    """Press a key."""
    page = await session.browser.page()
    await page.keyboard.press(parameters.key)
    return success(f"Pressed {parameters.key}.\n{await where(page)}")


BROWSER_TYPE = Tool(
    name="BrowserType",
    description="Type text into a field of the page, after what stands there or instead of it, and press Enter if asked to.",
    parameters=BrowserTypeParameters,
    run=browser_type,
)

BROWSER_PRESS_KEY = Tool(
    name="BrowserPressKey",
    description="Press a key or a combination of keys, by Playwright's names.",
    parameters=BrowserPressKeyParameters,
    run=browser_press_key,
)
