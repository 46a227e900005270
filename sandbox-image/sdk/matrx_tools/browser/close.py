"""BrowserClose: end the browser."""

from __future__ import annotations

from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, success


class BrowserCloseParameters(Parameters):
    """BrowserClose takes nothing."""


async def browser_close(parameters: BrowserCloseParameters, session: ToolSession) -> ToolResult:
    """End the browser and forget its cookies, storage and tabs."""
    if not session.browser.is_running:
        return success("The browser is not running.")
    await session.browser.close()
    return success("The browser is closed.")


BROWSER_CLOSE = Tool(
    name="BrowserClose",
    description="Close the browser: cookies, storage and tabs are gone. The next browser tool starts a new one.",
    parameters=BrowserCloseParameters,
    run=browser_close,
)
