"""matrx-tools: the tools from a shell. `list` names them, `call` calls one, `smoke` tries them all on this machine."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from matrx_tools.dispatcher import dispatch
from matrx_tools.registry import TOOLS
from matrx_tools.session import ToolSession
from matrx_tools.smoke import smoke


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0, 1 if a tool failed, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="matrx-tools", description="The 26 tools of an agent in a matrx sandbox.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the tools' names")
    call = commands.add_parser("call", help="call one tool and print its result as JSON")
    call.add_argument("name")
    call.add_argument("input", help="its parameters, a JSON object", nargs="?", default="{}")
    trial = commands.add_parser("smoke", help="try every tool; fails if one does")
    trial.add_argument("--without-browser", action="store_true", help="leave out the 13 tools that need a Chromium")
    chosen = parser.parse_args(arguments)
    if chosen.command == "list":
        print("\n".join(TOOLS))
        return 0
    if chosen.command == "smoke":
        return asyncio.run(smoke(with_browser=not chosen.without_browser))
    try:
        tool_input = json.loads(chosen.input)
    except ValueError as error:
        parser.error(f"the input is not JSON: {error}")
    return asyncio.run(_call(chosen.name, tool_input))


async def _call(name: str, tool_input: object) -> int:
    async with ToolSession() as session:
        result = await dispatch(name, tool_input, session)  # type: ignore[arg-type]
    print(result.model_dump_json(indent=2, exclude_none=True))
    return 1 if result.is_error else 0


if __name__ == "__main__":
    sys.exit(main())
