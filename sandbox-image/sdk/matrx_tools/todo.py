"""TodoWrite: the list of what is to be done, as the model keeps it."""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.todo_item import TodoItem
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, success


class TodoWriteParameters(Parameters):
    """Parameters of TodoWrite."""

    todos: list[TodoItem] = Field(description="The whole list; it replaces the one before")


async def todo_write(parameters: TodoWriteParameters, session: ToolSession) -> ToolResult:
    """Replace the session's list."""
    session.todos = list(parameters.todos)
    count = Counter(item.status for item in session.todos)
    counts = {status: count[status] for status in ("completed", "in_progress", "pending")}
    text = ", ".join(f"{number} {status}" for status, number in counts.items())
    return success(f"Todo list updated: {len(session.todos)} items ({text}).", metadata={"counts": counts})


TODO_WRITE = Tool(
    name="TodoWrite",
    description=(
        "Keep a list of what is to be done in this session. Each call replaces the whole list. Use it for work of "
        "several steps: write the steps down, have one in_progress at a time, and mark each completed once it is."
    ),
    parameters=TodoWriteParameters,
    run=todo_write,
)
