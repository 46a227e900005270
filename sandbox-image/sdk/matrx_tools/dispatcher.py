"""dispatch: the one way to call a tool. A model's call, however wrong, gets an answer it can work with."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from matrx_tools.parameters import explain
from matrx_tools.registry import TOOLS
from matrx_tools.session import ToolSession
from matrx_tools.types import ToolError, ToolResult, failure

logger = logging.getLogger("matrx_tools")


async def dispatch(name: str, input: Mapping[str, Any], session: ToolSession) -> ToolResult:
    """Call the tool `name`. Never raises: every fault is a ToolResult of type error.

    (A cancelled call is cancelled: that is the caller's own doing, and what the tool had started is ended.)
    """
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is None:
        return failure(f"Unknown tool: {_text(name)}. Available tools: {', '.join(TOOLS)}")
    if not isinstance(input, Mapping):
        return failure(f"Invalid parameters for {name}: the input must be an object, not {type(input).__name__}.")
    try:
        parameters = tool.parameters.model_validate(dict(input))
    except ValidationError as error:
        return failure(f"Invalid parameters for {name}: {explain(error)}")
    except Exception as error:
        return failure(f"Invalid parameters for {name}: {type(error).__name__}: {_text(error)}")
    try:
        return await tool.run(parameters, session)
    except ToolError as error:
        return failure(_text(error))
    except Exception as error:
        logger.exception("Tool %s failed", name)
        return failure(f"Tool {name} failed: {type(error).__name__}: {_text(error)}")


def _text(value: object) -> str:
    """The text of a value whose own __str__ may be broken."""
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"
