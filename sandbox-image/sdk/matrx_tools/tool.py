"""A tool: its name, the text that tells a model when to use it, its parameters, and what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from matrx_tools.parameters import Parameters, input_schema
from matrx_tools.types import ToolResult

if TYPE_CHECKING:
    from matrx_tools.session import ToolSession

P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True)
class Tool(Generic[P]):
    """One of the tools. `run` may raise; `dispatch` turns what it raises into an answer."""

    name: str
    description: str
    parameters: type[P]
    run: Callable[[P, ToolSession], Awaitable[ToolResult]]

    def definition(self) -> dict[str, Any]:
        """The tool as model APIs take it: name, description, input_schema."""
        return {"name": self.name, "description": self.description, "input_schema": input_schema(self.parameters)}
