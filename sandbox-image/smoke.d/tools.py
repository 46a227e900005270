"""Calls every tool of matrx_tools through `dispatch` and prints "ok NAME" or "not ok NAME: why" for each.

A tool is ok when every call of it did what it should. What no call here is made for counts as failed, so that a new tool
comes with one. Without a Chromium the browser's tools can only say so, and that is all that is asked of them then.
"""

from __future__ import annotations

import asyncio
import base64
import http.server
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matrx_tools import TOOL_NAMES, ToolResult, ToolSession, dispatch

EXPECTED_TOOLS = 26
CALL_SECONDS = 60
HAS_BROWSER = shutil.which("chromium") is not None
PAGE = b"""<!doctype html><title>Smoke page</title><body style="height: 4000px">
<h1>Smoke test</h1><input id="name">
<button onclick="console.log('pressed ' + document.querySelector('#name').value)">Press</button>"""

Expectation = str | Callable[[ToolResult], bool]


class Page(http.server.BaseHTTPRequestHandler):
    """A small web server on loopback: one page, and a search that finds it, with the interface of SearXNG."""

    def do_GET(self) -> None:
        if self.path.startswith("/search?"):
            found = {"title": "Smoke page", "url": "http://127.0.0.1/", "content": "What a search finds"}
            self._answer("application/json", json.dumps({"results": [found]}).encode())
        else:
            self._answer("text/html; charset=utf-8", PAGE)

    def _answer(self, media_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Checks:
    """What came of the calls, tool by tool."""

    def __init__(self, session: ToolSession) -> None:
        self.session = session
        self.faults: dict[str, str | None] = {}

    async def call(self, tool: str, expected: Expectation, **parameters: Any) -> ToolResult | None:
        """Calls the tool and judges the answer: a text that must be in it, or a predicate. The first fault is kept."""
        self.faults.setdefault(tool, None)
        try:
            result = await asyncio.wait_for(dispatch(tool, parameters, self.session), CALL_SECONDS)
        except Exception as error:
            self._fault(tool, f"{type(error).__name__}: {error}")
            return None
        if tool.startswith("Browser") and not HAS_BROWSER:
            if not result.output:
                self._fault(tool, "does not say that there is no browser")
        elif result.type.value != "success":
            self._fault(tool, _short(result.output))
        elif not (expected in result.output if isinstance(expected, str) else expected(result)):
            wanted = f"without {expected!r}" if isinstance(expected, str) else "not as expected"
            self._fault(tool, f"{wanted}: {_short(result.output)}")
        return result

    def _fault(self, tool: str, why: str) -> None:
        self.faults[tool] = self.faults[tool] or why

    def report(self) -> bool:
        """Prints a line for each tool; whether all are ok."""
        faults = {name: self.faults.get(name, "no call of it is made here") for name in sorted(TOOL_NAMES)}
        for name, fault in faults.items():
            note = " (without a browser)" if name.startswith("Browser") and not HAS_BROWSER else ""
            print(f"ok tool {name}{note}" if fault is None else f"not ok tool {name}: {fault}")
        if len(TOOL_NAMES) != EXPECTED_TOOLS:
            print(f"not ok number of tools: {len(TOOL_NAMES)}, not {EXPECTED_TOOLS}")
        return not any(faults.values()) and len(TOOL_NAMES) == EXPECTED_TOOLS


def _short(text: str) -> str:
    return " ".join(text.split())[:300]


async def check_files(checks: Checks, folder: Path) -> None:
    notes = str(folder / "notes.txt")
    await checks.call("Write", "", file_path=notes, content="alpha\nbeta\n")
    await checks.call("Read", "beta", file_path=notes)
    await checks.call("Edit", "", file_path=notes, old_string="beta", new_string="gamma")
    edits = [{"old_string": "alpha", "new_string": "delta"}, {"old_string": "delta", "new_string": "omega"}]
    await checks.call("MultiEdit", "", file_path=notes, edits=edits)
    await checks.call("Read", lambda result: "omega" in result.output and "gamma" in result.output, file_path=notes)
    await checks.call("Glob", "notes.txt", pattern="**/*.txt", path=str(folder))
    await checks.call("Grep", "notes.txt", pattern="^omega$", path=str(folder))
    notebook = folder / "notebook.ipynb"
    notebook.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    await checks.call("Read", "", file_path=str(notebook))
    new_cell = {"new_source": "print('cell')", "cell_type": "code", "edit_mode": "insert"}
    await checks.call("NotebookEdit", "", notebook_path=str(notebook), **new_cell)
    await checks.call("Read", "print('cell')", file_path=str(notebook))


async def check_shell(checks: Checks) -> None:
    await checks.call("Bash", "42", command="echo $((6 * 7))", description="Multiply")
    started = await checks.call(
        "Bash",
        lambda result: "bash_id" in (result.metadata or {}),
        command="echo started; sleep 300",
        description="Wait in the background",
        run_in_background=True,
    )
    shell = str((started.metadata or {}).get("bash_id")) if started else "shell_1"
    output = ""
    deadline = time.monotonic() + CALL_SECONDS
    while "started" not in output and time.monotonic() < deadline:
        result = await checks.call("BashOutput", "", bash_id=shell)
        output += result.output if result else ""
        await asyncio.sleep(0.05)
    await checks.call("TaskStop", "", task_id=shell)
    await checks.call("BashOutput", lambda _: "started" in output, bash_id=shell)


async def check_web_and_todos(checks: Checks, url: str) -> None:
    await checks.call("WebFetch", "Smoke test", url=url, prompt="What is the heading?")
    os.environ["MATRX_SEARCH_URL"] = url
    await checks.call("WebSearch", "Smoke page", query="smoke test")
    todos = [{"content": "Smoke", "status": "in_progress", "activeForm": "Smoking"}]
    await checks.call("TodoWrite", "", todos=todos)


async def check_browser(checks: Checks, url: str) -> None:
    await checks.call("BrowserNavigate", "", url=url)
    await checks.call("BrowserSnapshot", "Press")
    await checks.call("BrowserScreenshot", _is_png)
    await checks.call("BrowserType", "", selector="#name", text="typed")
    await checks.call("BrowserPressKey", "", key="Tab")
    await checks.call("BrowserClick", "", text="Press")
    await checks.call("BrowserConsole", "pressed typed")
    await checks.call("BrowserScroll", "", direction="down", amount=3)
    await checks.call("BrowserEvaluate", "Smoke page", javascript="document.title")
    await checks.call("BrowserWaitFor", "", text="Smoke test")
    await checks.call("BrowserNavigate", "", url=f"{url}other")
    await checks.call("BrowserBack", "")
    await checks.call("BrowserTabs", "page_1", action="list")
    await checks.call("BrowserClose", "")


def _is_png(result: ToolResult) -> bool:
    image = result.image
    return image is not None and base64.b64decode(image.base64_data).startswith(b"\x89PNG")


async def main() -> bool:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    # A proxy of the sandbox's environment is not for what is here.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    with tempfile.TemporaryDirectory() as folder:
        session = ToolSession(folder)
        checks = Checks(session)
        try:
            await check_files(checks, Path(folder))
            await check_shell(checks)
            await check_web_and_todos(checks, url)
            await check_browser(checks, url)
        finally:
            await session.cleanup()
            server.shutdown()
    return checks.report()


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
