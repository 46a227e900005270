"""The 26 tools of an agent in a matrx sandbox: files, search, shell, web, browser, to-do list.

from matrx_tools import TOOL_DEFINITIONS, ToolSession, dispatch

session = ToolSession()
result = await dispatch("Bash", {"command": "uname -a"}, session)
await session.cleanup()
"""

from matrx_tools.dispatcher import dispatch
from matrx_tools.schemas import TOOL_DEFINITIONS, TOOL_NAMES, TOOL_SCHEMA_MAP
from matrx_tools.session import ToolSession
from matrx_tools.types import ImageData, ToolResult, ToolResultType

__version__ = "0.1.0"
__all__ = [
    "TOOL_DEFINITIONS",
    "TOOL_NAMES",
    "TOOL_SCHEMA_MAP",
    "ImageData",
    "ToolResult",
    "ToolResultType",
    "ToolSession",
    "dispatch",
]
