"""BashOutput: what a background command has written since the last look."""

from __future__ import annotations

from pydantic import Field

from matrx_tools.line_filter import compile_filter
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.shell.background import MAX_CHARACTERS, BackgroundShell
from matrx_tools.tool import Tool
from matrx_tools.types import ToolError, ToolResult, success


class BashOutputParameters(Parameters):
    """Parameters of BashOutput."""

    bash_id: str = Field(description="The id that Bash gave, such as shell_1")
    filter: str | None = Field(
        None, description="A regular expression: only lines it matches are shown, the others are gone"
    )


async def bash_output(parameters: BashOutputParameters, session: ToolSession) -> ToolResult:
    """New lines, and whether the command still runs."""
    shell = background_shell(parameters.bash_id, session)
    pattern = None if parameters.filter is None else compile_filter(parameters.filter)
    lines, dropped = shell.take()
    shown = lines if pattern is None else [line for line in lines if pattern.search(line)]
    if dropped:
        shown.insert(0, f"[{dropped} earlier lines were dropped: at most {MAX_CHARACTERS} characters are kept]")
    return success(
        "\n".join([*shown, f"[Shell {shell.shell_id}: {_status(shell)}]"]),
        metadata={"is_complete": shell.is_complete, "return_code": shell.return_code, "dropped_lines": dropped},
    )


def _status(shell: BackgroundShell) -> str:
    return f"completed, exit code: {shell.return_code}" if shell.is_complete else "running"


def background_shell(shell_id: str, session: ToolSession) -> BackgroundShell:
    """The background command with this id. Raises ToolError naming those there are."""
    shell = session.background_shells.get(shell_id)
    if shell is None:
        known = ", ".join(session.background_shells) or "none"
        raise ToolError(f"There is no background command {shell_id}. Known: {known}")
    return shell


BASH_OUTPUT = Tool(
    name="BashOutput",
    description=(
        "Show what a background command has written since the last call, and whether it still runs. With filter, lines "
        "that do not match are dropped for good."
    ),
    parameters=BashOutputParameters,
    run=bash_output,
)
