"""The tools as model APIs take them, derived from the models that check the inputs: the two cannot drift apart."""

from __future__ import annotations

from typing import Any

from matrx_tools.registry import TOOLS

TOOL_DEFINITIONS: list[dict[str, Any]] = [tool.definition() for tool in TOOLS.values()]
"""One {name, description, input_schema} a tool: pass it as `tools=`."""

TOOL_NAMES: set[str] = set(TOOLS)
"""The tools' names."""

TOOL_SCHEMA_MAP: dict[str, dict[str, Any]] = {definition["name"]: definition for definition in TOOL_DEFINITIONS}
"""The definitions by name."""
