"""matrx_agent: SandboxClient against a server that answers as the facade does."""

from __future__ import annotations

import json
import logging
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

import matrx_agent.client
from matrx_agent import SandboxClient, SandboxInfo

pytestmark = pytest.mark.anyio


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, noted instead of slept."""
    noted: list[float] = []

    async def pause(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr(matrx_agent.client, "_pause", pause)
    monkeypatch.setattr(matrx_agent.client, "_pause_sync", noted.append)
    return noted


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_ID", "sbx-0123456789ab")
    monkeypatch.setenv("USER_ID", "ada")


@pytest.fixture
def token_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "token"
    monkeypatch.setenv("MATRX_TOKEN_FILE", str(path))
    return path


@pytest.fixture
def nobody_there() -> str:
    """A URL at which nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"


def facade(web: Any, answer: Any) -> None:
    """The three signals, and how they are answered."""
    path = "/sandboxes/sbx-0123456789ab"
    web.pages[f"{path}/heartbeat"] = answer(200, b'{"acknowledged":true}', "application/json")
    web.pages[f"{path}/complete"] = answer(200, b'{"status":"shutting_down"}', "application/json")
    web.pages[f"{path}/error"] = answer(200, b'{"status":"shutting_down"}', "application/json")


def test_the_url_is_the_argument_then_the_environment_then_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """The facade's URL: argument > ORCHESTRATOR_URL > http://host.docker.internal:8000 [A7.1]"""
    assert SandboxClient()._orchestrator_url == "http://host.docker.internal:8000"
    monkeypatch.setenv("ORCHESTRATOR_URL", "http://facade.matrx:8000/")
    assert SandboxClient()._orchestrator_url == "http://facade.matrx:8000"
    assert SandboxClient("http://here:1")._orchestrator_url == "http://here:1"


def test_info_names_the_sandbox_and_its_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """info() has ids and paths, with fallbacks, and keeps what it found at first [A7.1]"""
    assert SandboxClient().info() == SandboxInfo(
        sandbox_id="unknown", user_id="unknown", hot_path=Path("/home/agent"), cold_path=Path("/data/cold")
    )
    for name, value in {"SANDBOX_ID": "sbx-1", "USER_ID": "ada", "HOT_PATH": "/hot", "COLD_PATH": "/cold"}.items():
        monkeypatch.setenv(name, value)
    client = SandboxClient()
    monkeypatch.setenv("SANDBOX_ID", "sbx-2")
    assert (client.info().sandbox_id, client.info().user_id) == ("sbx-1", "ada")
    assert (client.hot_path(), client.cold_path()) == (Path("/hot"), Path("/cold"))


async def test_the_three_signals_reach_the_facade(web: Any, answer: Any, sandbox: None) -> None:
    """heartbeat, complete and error are POSTs with the bodies that the facade takes [A7.2]"""
    facade(web, answer)
    client = SandboxClient(web.url)
    assert await client.heartbeat() is True
    await client.signal_complete({"answer": 42})
    await client.signal_complete()
    await client.signal_error("it broke")
    assert [(one.method, one.path.rsplit("/", 1)[1]) for one in web.requests] == [
        ("POST", "heartbeat"),
        ("POST", "complete"),
        ("POST", "complete"),
        ("POST", "error"),
    ]
    bodies = [json.loads(one.body) for one in web.requests[1:]]
    assert bodies == [{"result": {"answer": 42}}, {"result": {}}, {"error": "it broke", "details": {}}]


def test_the_signals_work_without_an_event_loop(web: Any, answer: Any, sandbox: None) -> None:
    """The synchronous twins send the same [A7.2]"""
    facade(web, answer)
    client = SandboxClient(web.url)
    assert client.heartbeat_sync() is True
    client.signal_complete_sync({"answer": 42})
    client.signal_error_sync("it broke", {"code": 7})
    assert [json.loads(one.body or b"null") for one in web.requests] == [
        None,
        {"result": {"answer": 42}},
        {"error": "it broke", "details": {"code": 7}},
    ]


async def test_every_request_carries_the_token_that_is_in_the_file_then(
    web: Any, answer: Any, sandbox: None, token_file: Path
) -> None:
    """Heartbeat, complete and error are authenticated by the pod's token, read anew each time [T6] [A7.2]"""
    facade(web, answer)
    client = SandboxClient(web.url)
    for token, send in (
        ("one", client.heartbeat),
        ("two", client.signal_complete),
        ("three", lambda: client.signal_error("x")),
    ):
        token_file.write_text(f"{token}\n")
        await send()
    token_file.write_text("four")
    client.heartbeat_sync()
    assert [one.headers.get("authorization") for one in web.requests] == [
        "Bearer one",
        "Bearer two",
        "Bearer three",
        "Bearer four",
    ]


async def test_a_retry_reads_the_token_again(
    monkeypatch: pytest.MonkeyPatch, nobody_there: str, token_file: Path
) -> None:
    """A token that is replaced between two tries is the one that the second try sends [T6]"""
    sent: list[str] = []
    token_file.write_text("old")

    async def post(self: httpx.AsyncClient, url: str, **options: Any) -> httpx.Response:
        sent.append(options["headers"]["Authorization"])
        raise httpx.ConnectError("refused")

    async def pause(seconds: float) -> None:
        token_file.write_text("new")

    monkeypatch.setattr(httpx.AsyncClient, "post", post)
    monkeypatch.setattr(matrx_agent.client, "_pause", pause)
    assert await SandboxClient(nobody_there).heartbeat() is False
    assert sent == ["Bearer old", "Bearer new", "Bearer new"]


@pytest.mark.parametrize("content", [None, b"", b"  \n", b"not a\ntoken", "ключ".encode()])
async def test_without_a_token_no_header_is_sent(
    web: Any, answer: Any, sandbox: None, token_file: Path, content: bytes | None
) -> None:
    """A token file that is absent, empty or no token means a request without the header [T6]"""
    facade(web, answer)
    if content is not None:
        token_file.write_bytes(content)
    assert await SandboxClient(web.url).heartbeat() is True
    assert "authorization" not in web.requests[0].headers


async def test_a_token_file_that_is_a_directory_means_no_header(
    web: Any, answer: Any, sandbox: None, token_file: Path
) -> None:
    """A token file that cannot be read is said in the log, and the request goes without it [T6]"""
    facade(web, answer)
    token_file.mkdir()
    assert await SandboxClient(web.url).heartbeat() is True
    assert "authorization" not in web.requests[0].headers


async def test_the_token_does_not_go_to_a_proxy(
    web: Any, answer: Any, sandbox: None, token_file: Path, nobody_there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy in the environment is for the web, not for the pod's own token"""
    facade(web, answer)
    token_file.write_text("secret")
    monkeypatch.setenv("HTTP_PROXY", nobody_there)
    assert await SandboxClient(web.url).heartbeat() is True


async def test_a_refused_signal_is_logged_with_its_remedy(
    web: Any, answer: Any, sandbox: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A signal that is answered 401 does not raise, but is not silent either [T6] [A7.2]"""
    web.pages["/sandboxes/sbx-0123456789ab/complete"] = answer(401, b'{"detail":"Missing API key."}')
    with caplog.at_level(logging.WARNING, "matrx_agent"):
        await SandboxClient(web.url).signal_complete()
    assert "401" in caplog.text and "MATRX_TOKEN_FILE" in caplog.text


@pytest.mark.parametrize("status", [201, 401, 404, 500])
async def test_a_heartbeat_that_is_not_acknowledged_is_false(web: Any, answer: Any, sandbox: None, status: int) -> None:
    """heartbeat() is False for any answer but 200 [A7.2]"""
    web.pages["/sandboxes/sbx-0123456789ab/heartbeat"] = answer(status)
    assert await SandboxClient(web.url).heartbeat() is False
    assert SandboxClient(web.url).heartbeat_sync() is False


async def test_three_tries_then_a_runtime_error(nobody_there: str, sandbox: None, pauses: list[float]) -> None:
    """A facade that cannot be reached is tried three times, after 0.5 s and 1 s, then RuntimeError [A7.2]"""
    client = SandboxClient(nobody_there)
    url = f"{nobody_there}/sandboxes/sbx-0123456789ab"
    with pytest.raises(RuntimeError, match=f"Failed to reach orchestrator at {url}/complete"):
        await client.signal_complete()
    assert pauses == [0.5, 1.0]
    with pytest.raises(RuntimeError, match=f"Failed to reach orchestrator at {url}/error"):
        client.signal_error_sync("x")
    assert pauses == [0.5, 1.0, 0.5, 1.0]
    assert await client.heartbeat() is False
    assert client.heartbeat_sync() is False


@pytest.mark.parametrize("error", [httpx.ConnectTimeout("slow"), httpx.ReadTimeout("slow"), httpx.PoolTimeout("slow")])
async def test_time_outs_are_tried_again(
    error: Exception, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time-out is a reason for another try, and the second may work [A7.2]"""
    faults: list[Exception] = [error]

    async def post(self: httpx.AsyncClient, url: str, **options: Any) -> httpx.Response:
        assert options["timeout"] == 5.0
        if faults:
            raise faults.pop()
        return httpx.Response(200, request=httpx.Request("POST", url))

    monkeypatch.setattr(httpx.AsyncClient, "post", post)
    assert await SandboxClient("http://facade").heartbeat() is True
    assert pauses == [0.5]


async def test_other_http_errors_are_raised_at_once(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """What another try would not help is raised by the signals, and False for a heartbeat [A7.2]"""

    async def post(self: httpx.AsyncClient, url: str, **options: Any) -> httpx.Response:
        raise httpx.RemoteProtocolError("not HTTP")

    monkeypatch.setattr(httpx.AsyncClient, "post", post)
    client = SandboxClient("http://facade")
    with pytest.raises(httpx.RemoteProtocolError):
        await client.signal_error("x")
    assert await client.heartbeat() is False
    assert pauses == []


async def test_the_signals_wait_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """complete and error have a limit of 10 s, the heartbeat of 5 s [A7.2]"""
    limits: list[float] = []

    async def post(self: httpx.AsyncClient, url: str, **options: Any) -> httpx.Response:
        limits.append(options["timeout"])
        return httpx.Response(200, request=httpx.Request("POST", url))

    monkeypatch.setattr(httpx.AsyncClient, "post", post)
    client = SandboxClient("http://facade")
    await client.signal_complete()
    await client.signal_error("x")
    await client.heartbeat()
    assert limits == [10.0, 10.0, 5.0]


async def test_any_fault_of_a_heartbeat_is_false(sandbox: None, pauses: list[float]) -> None:
    """heartbeat() never raises, even for a URL that is none [A7.2]"""
    assert await SandboxClient("http://[broken").heartbeat() is False
    assert await SandboxClient("nonsense://x").heartbeat() is False


def test_tls_trusts_what_the_system_trusts() -> None:
    """https: the system's authorities, SSL_CERT_FILE included, not only those that httpx brings"""
    options = matrx_agent.client._client_options("https://facade")
    assert isinstance(options["verify"], ssl.SSLContext) and options["trust_env"] is False
