"""BrowserConsole: what pages wrote to their console."""

from __future__ import annotations

from pydantic import Field

from matrx_tools.browser.console_log import MAX_MESSAGES
from matrx_tools.line_filter import compile_filter
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, success


class BrowserConsoleParameters(Parameters):
    """Parameters of BrowserConsole."""

    pattern: str | None = Field(
        None, description="A regular expression: only messages it matches are shown, the others are gone"
    )


async def browser_console(parameters: BrowserConsoleParameters, session: ToolSession) -> ToolResult:
    """Show the messages since the last call."""
    pattern = None if parameters.pattern is None else compile_filter(parameters.pattern)
    messages, dropped = session.browser.console.drain()
    shown = messages if pattern is None else [message for message in messages if pattern.search(message)]
    if dropped:
        shown.insert(0, f"({dropped} earlier messages were dropped: at most {MAX_MESSAGES} are kept.)")
    return success("\n".join(shown) or "No console messages.", metadata={"count": len(shown)})


BROWSER_CONSOLE = Tool(
    name="BrowserConsole",
    description=(
        "Show what pages wrote to their console since the last call: messages, uncaught errors, and dialogs (which are "
        "dismissed at once). Each message is shown once."
    ),
    parameters=BrowserConsoleParameters,
    run=browser_console,
)
