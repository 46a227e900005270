"""The 26 tools, in the order in which models see them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from matrx_tools.browser.close import BROWSER_CLOSE
from matrx_tools.browser.console import BROWSER_CONSOLE
from matrx_tools.browser.evaluate import BROWSER_EVALUATE
from matrx_tools.browser.keyboard import BROWSER_PRESS_KEY, BROWSER_TYPE
from matrx_tools.browser.navigate import BROWSER_BACK, BROWSER_NAVIGATE
from matrx_tools.browser.pointer import BROWSER_CLICK, BROWSER_SCROLL
from matrx_tools.browser.screenshot import BROWSER_SCREENSHOT
from matrx_tools.browser.snapshot import BROWSER_SNAPSHOT
from matrx_tools.browser.tabs import BROWSER_TABS
from matrx_tools.browser.wait_for import BROWSER_WAIT_FOR
from matrx_tools.files.edit import EDIT, MULTI_EDIT
from matrx_tools.files.notebook_edit import NOTEBOOK_EDIT
from matrx_tools.files.read import READ
from matrx_tools.files.write import WRITE
from matrx_tools.search.glob import GLOB
from matrx_tools.search.grep import GREP
from matrx_tools.shell.bash import BASH
from matrx_tools.shell.bash_output import BASH_OUTPUT
from matrx_tools.shell.task_stop import TASK_STOP
from matrx_tools.todo import TODO_WRITE
from matrx_tools.tool import Tool
from matrx_tools.web.fetch import WEB_FETCH
from matrx_tools.web.search import WEB_SEARCH

_ALL: tuple[Tool[Any], ...] = (
    READ,
    WRITE,
    EDIT,
    MULTI_EDIT,
    GLOB,
    GREP,
    NOTEBOOK_EDIT,
    BASH,
    BASH_OUTPUT,
    TASK_STOP,
    WEB_FETCH,
    WEB_SEARCH,
    TODO_WRITE,
    BROWSER_NAVIGATE,
    BROWSER_SNAPSHOT,
    BROWSER_SCREENSHOT,
    BROWSER_CLICK,
    BROWSER_TYPE,
    BROWSER_PRESS_KEY,
    BROWSER_SCROLL,
    BROWSER_EVALUATE,
    BROWSER_WAIT_FOR,
    BROWSER_BACK,
    BROWSER_TABS,
    BROWSER_CONSOLE,
    BROWSER_CLOSE,
)

TOOLS: Mapping[str, Tool[Any]] = MappingProxyType({tool.name: tool for tool in _ALL})
"""Every tool by its name."""
