"""TaskStop: end a background command."""

from __future__ import annotations

from pydantic import Field

from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.shell.bash_output import background_shell
from matrx_tools.tool import Tool
from matrx_tools.types import ToolResult, success


class TaskStopParameters(Parameters):
    """Parameters of TaskStop."""

    task_id: str = Field(description="The id that Bash gave, such as shell_1")


async def task_stop(parameters: TaskStopParameters, session: ToolSession) -> ToolResult:
    """Kill a background command and all it started."""
    shell = background_shell(parameters.task_id, session)
    if shell.is_complete:
        return success(f"Task {shell.shell_id} has already completed (exit code: {shell.return_code}).")
    await shell.stop()
    return success(f"Task {shell.shell_id} has been stopped.", metadata={"return_code": shell.return_code})


TASK_STOP = Tool(
    name="TaskStop",
    description="End a background command: it and all it started are killed at once. Its last output can still be read.",
    parameters=TaskStopParameters,
    run=task_stop,
)
