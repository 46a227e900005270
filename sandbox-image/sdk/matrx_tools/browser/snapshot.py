"""BrowserSnapshot: what is on the page, as its accessibility tree."""

from __future__ import annotations

from pydantic import Field

from matrx_tools.browser.action import browser_action, cut, where
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, success

MAX_DEPTH = 8
MAX_CHARACTERS = 50_000
INDENT = 2


class BrowserSnapshotParameters(Parameters):
    """Parameters of BrowserSnapshot."""

    selector: str | None = Field(None, description="Only the first element that this CSS selector finds")


@browser_action
async def browser_snapshot(parameters: BrowserSnapshotParameters, session: ToolSession) -> ToolResult:
    """The tree of the page, or of one element."""
    page = await session.browser.page()
    tree = await page.locator(parameters.selector or "body").first.aria_snapshot()
    text = shallow(tree) or "(There is nothing to see.)"
    return success(cut(f"{await where(page)}\n\n{text}", MAX_CHARACTERS))


def shallow(tree: str) -> str:
    """The upper eight levels of an indented tree, with a note of how many lines are deeper."""
    lines = tree.split("\n")
    shown = [line for line in lines if len(line) - len(line.lstrip(" ")) < MAX_DEPTH * INDENT]
    if len(shown) < len(lines):
        shown.append(f"({len(lines) - len(shown)} deeper lines are not shown; give a selector to see them.)")
    return "\n".join(shown)


BROWSER_SNAPSHOT = Tool(
    name="BrowserSnapshot",
    description=(
        "Show what is on the page as text: its accessibility tree with roles, names, values and states, "
        f"{MAX_DEPTH} levels deep. This is the best way to see what can be clicked and read."
    ),
    parameters=BrowserSnapshotParameters,
    run=browser_snapshot,
)
