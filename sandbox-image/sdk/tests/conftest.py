"""What the tests share: a session in a folder of its own, and a web server on this machine."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from matrx_tools import ToolResult, ToolSession, dispatch


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the sandbox that it may run in, nor a proxy."""
    names = (
        "SANDBOX_ID",
        "USER_ID",
        "HOT_PATH",
        "COLD_PATH",
        "ORCHESTRATOR_URL",
        "MATRX_TOKEN_FILE",
        "MATRX_SEARCH_URL",
    )
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    for name in (*names, *proxies):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path.resolve()


@pytest.fixture
async def session(folder: Path, anyio_backend: str) -> AsyncIterator[ToolSession]:
    async with ToolSession(working_dir=folder) as made:
        yield made


Call = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
def call(session: ToolSession) -> Call:
    """A tool call that must work."""

    async def called(tool: str, **tool_input: Any) -> ToolResult:
        result = await dispatch(tool, tool_input, session)
        assert not result.is_error, result.output
        return result

    return called


@pytest.fixture
def refused(session: ToolSession) -> Callable[..., Awaitable[str]]:
    """A tool call that must fail; its text."""

    async def called(tool: str, **tool_input: Any) -> str:
        result = await dispatch(tool, tool_input, session)
        assert result.is_error, result.output
        return result.output

    return called


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Web:
    """A web server: what is not in `pages` answers 404."""

    url: str
    pages: dict[str, Answer | Callable[[Request], Answer]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            web.requests.append(request)
            page = web.pages.get(self.path.partition("?")[0], Answer(404, b"nothing here"))
            answer = page(request) if callable(page) else page
            self.send_response(answer.status)
            sent = {"content-type": answer.content_type, "content-length": str(len(answer.body)), **answer.headers}
            for name, value in sent.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # the client had enough
                self.wfile.write(answer.body)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def answer() -> type[Answer]:
    return Answer
