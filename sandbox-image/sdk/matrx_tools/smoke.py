"""Every tool once, with real work, on the machine it is on: what an image must pass."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from matrx_tools.dispatcher import dispatch
from matrx_tools.registry import TOOLS
from matrx_tools.session import ToolSession
from matrx_tools.types import ToolResult
from matrx_tools.web.search import SETTING

Check = Callable[[ToolResult], bool]
Step = tuple[str, dict[str, Any], Check]

PAGE = """<!doctype html><title>Smoke</title><h1>Rise</h1>
<input id=name><button onclick="document.title = 'Clicked'; console.log('clicked')">Press me</button>"""
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = {"results": [{"title": "Smoke", "url": "http://example.org/", "content": "Rise"}]}
        is_search = self.path.startswith("/search")
        body = (json.dumps(found) if is_search else PAGE).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json" if is_search else "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the report is the output."""


@contextmanager
def _served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _says(text: str) -> Check:
    return lambda result: text in result.output


def _shows_picture(result: ToolResult) -> bool:
    return result.image is not None and result.image.media_type == "image/png"


def _steps(folder: Path, url: str) -> list[Step]:
    note, notebook = str(folder / "note.txt"), str(folder / "book.ipynb")
    added = {"notebook_path": notebook, "new_source": "1 + 1", "cell_type": "code", "edit_mode": "insert"}
    todo = {"content": "Rise", "activeForm": "Rising", "status": "pending"}
    changes = [{"old_string": "three", "new_string": "four"}, {"old_string": "four", "new_string": "five"}]
    return [
        ("Write", {"file_path": note, "content": "one two\n"}, _says("8 bytes")),
        ("Read", {"file_path": note}, _says("     1\tone two")),
        ("Edit", {"file_path": note, "old_string": "two", "new_string": "three"}, _says("Edited")),
        ("MultiEdit", {"file_path": note, "edits": changes}, _says("2 edits")),
        ("Glob", {"pattern": "*.txt"}, _says(note)),
        ("Grep", {"pattern": "f.ve", "output_mode": "content"}, _says("one five")),
        ("NotebookEdit", added, _says("Inserted")),
        ("Bash", {"command": "echo $((6 * 7)); pwd"}, _says("42")),
        ("Bash", {"command": "echo up; sleep 600", "run_in_background": True}, _says("shell_1")),
        ("BashOutput", {"bash_id": "shell_1"}, _says("running")),
        ("TaskStop", {"task_id": "shell_1"}, _says("stopped")),
        ("WebFetch", {"url": url, "prompt": "What does it say?"}, _says("# Rise")),
        ("WebSearch", {"query": "smoke"}, _says("example.org")),
        ("TodoWrite", {"todos": [todo]}, _says("1 pending")),
    ]


def _browser_steps(url: str) -> list[Step]:
    return [
        ("BrowserNavigate", {"url": url}, _says("Smoke")),
        ("BrowserWaitFor", {"text": "Press me"}, _says("is there")),
        ("BrowserSnapshot", {}, _says('heading "Rise"')),
        ("BrowserScreenshot", {}, _shows_picture),
        ("BrowserType", {"selector": "#name", "text": "Ada"}, _says("3 characters")),
        ("BrowserPressKey", {"key": "End"}, _says("Pressed")),
        ("BrowserClick", {"text": "Press me"}, _says("Clicked")),
        ("BrowserConsole", {}, _says("clicked")),
        ("BrowserEvaluate", {"javascript": "document.getElementById('name').value"}, _says("Ada")),
        ("BrowserScroll", {}, _says("Scrolled")),
        ("BrowserNavigate", {"url": f"{url}/second"}, _says("/second")),
        ("BrowserBack", {}, _says(url)),
        ("BrowserTabs", {"action": "new"}, _says("page_2")),
        ("BrowserClose", {}, _says("closed")),
    ]


async def smoke(*, with_browser: bool) -> int:
    """Try the tools, print a line for each call, and answer the exit code: 1 if any failed or was not tried."""
    passed, failed = 0, 0
    tried: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="matrx-smoke-") as name, _served() as url:
        folder = Path(name)
        (folder / "book.ipynb").write_text(json.dumps(NOTEBOOK))
        os.environ[SETTING] = url
        async with ToolSession(working_dir=name) as session:
            for tool, tool_input, is_right in _steps(folder, url) + (_browser_steps(url) if with_browser else []):
                result = await dispatch(tool, tool_input, session)
                tried.add(tool)
                good = not result.is_error and is_right(result)
                passed, failed = passed + good, failed + (not good)
                print(f"ok      {tool}" if good else f"FAILED  {tool}: {result.output}", flush=True)
    missing = [tool for tool in TOOLS if tool not in tried and (with_browser or not tool.startswith("Browser"))]
    for tool in missing:
        print(f"FAILED  {tool}: not tried")
    print(f"{passed} passed, {failed + len(missing)} failed")
    return 1 if failed or missing else 0
