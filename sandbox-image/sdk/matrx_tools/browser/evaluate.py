"""BrowserEvaluate: JavaScript in the page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import Field

from matrx_tools.browser.action import browser_action, cut
from matrx_tools.browser.session import TIMEOUT_MS
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolError, ToolResult, success

if TYPE_CHECKING:
    from playwright.async_api import Page

MAX_CHARACTERS = 50_000
STOP_SECONDS = 5.0


class BrowserEvaluateParameters(Parameters):
    """Parameters of BrowserEvaluate."""

    javascript: str = Field(min_length=1, description="An expression, or statements with return; await may be used")


@browser_action
async def browser_evaluate(parameters: BrowserEvaluateParameters, session: ToolSession) -> ToolResult:
    """Evaluate JavaScript and show its value."""
    page = await session.browser.page()
    # Before the script: a page that is busy with one answers no new protocol session.
    protocol = await page.context.new_cdp_session(page)
    try:
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            value = await _evaluate(page, parameters.javascript)
    except TimeoutError:
        await _within(STOP_SECONDS, protocol.send("Runtime.terminateExecution"))
        raise ToolError(f"The script did not end within {TIMEOUT_MS // 1000} s.") from None
    finally:
        await _within(STOP_SECONDS, protocol.detach())
    return success(cut(_shown(value), MAX_CHARACTERS))


async def _within(seconds: float, work: Coroutine[None, None, object]) -> None:
    """Wait for `work`, but not for long, and whatever comes of it: the page may be gone."""
    with suppress(Exception):
        await asyncio.wait_for(work, seconds)


async def _evaluate(page: Page, javascript: str) -> Any:
    from playwright.async_api import Error

    try:
        return await page.evaluate(javascript)
    except Error as error:
        # Statements: they are no expression, but the body of a function.
        if "SyntaxError" not in error.message:
            raise
        return await page.evaluate(f"(async () => {{ {javascript}\n }})()")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


BROWSER_EVALUATE = Tool(
    name="BrowserEvaluate",
    description="Evaluate JavaScript in the page and show its value as JSON (a string as it is). Promises are waited for.",
    parameters=BrowserEvaluateParameters,
    run=browser_evaluate,
)
