"""SandboxClient: the calls from inside a sandbox to the facade that made it."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from matrx_agent.info import SandboxInfo, read_info
from matrx_agent.token import authorization

DEFAULT_URL = "http://host.docker.internal:8000"
ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
HEARTBEAT_SECONDS = 5.0
SIGNAL_SECONDS = 10.0

logger = logging.getLogger("matrx_agent")


@dataclass(frozen=True)
class _Call:
    """One POST, to be tried up to three times."""

    url: str
    timeout: float
    body: Mapping[str, Any] | None = None

    def delay_after(self, attempt: int, error: Exception) -> float:
        """Seconds until the next try; after the last one a RuntimeError that says what was not reached."""
        if attempt >= ATTEMPTS:
            raise RuntimeError(f"Failed to reach orchestrator at {self.url}: {error!r}") from error
        delay: float = BACKOFF_SECONDS * 2 ** (attempt - 1)
        logger.info(
            "Try %d of %d to reach %s failed (%r); the next in %s s.", attempt, ATTEMPTS, self.url, error, delay
        )
        return delay


# Connection and time-out errors are worth another try; anything else would fail again.
_PASSING = (httpx.ConnectError, httpx.TimeoutException)


class SandboxClient:
    """Client of an agent that runs inside a sandbox.

    The facade's URL is `orchestrator_url`, else ORCHESTRATOR_URL (which the platform sets), else
    http://host.docker.internal:8000. Each request carries the pod's own token.
    """

    def __init__(self, orchestrator_url: str | None = None) -> None:
        self._orchestrator_url = (orchestrator_url or os.environ.get("ORCHESTRATOR_URL") or DEFAULT_URL).rstrip("/")
        self._info = read_info()

    def info(self) -> SandboxInfo:
        """Which sandbox this is; read from the environment once, when the client is made."""
        return self._info

    def hot_path(self) -> Path:
        """The home, which is saved and follows the user."""
        return self._info.hot_path

    def cold_path(self) -> Path:
        """Where the user's large files are mounted."""
        return self._info.cold_path

    async def heartbeat(self) -> bool:
        """Say that this sandbox is in use. True if the facade has taken note; never raises."""
        try:
            return _is_acknowledged(await self._post(self._heartbeat_call()))
        except Exception as error:
            return _no_heartbeat(error)

    async def signal_complete(self, result: Mapping[str, Any] | None = None) -> None:
        """Say that the work is done; the facade then stops this sandbox gracefully.

        Raises RuntimeError if the facade cannot be reached in three tries, httpx.HTTPError for any other failed request.
        """
        _note_refusal(await self._post(self._complete_call(result)))

    async def signal_error(self, error: str, details: Mapping[str, Any] | None = None) -> None:
        """Say that the work failed, and how; the facade then stops this sandbox gracefully. Raises as signal_complete."""
        _note_refusal(await self._post(self._error_call(error, details)))

    def heartbeat_sync(self) -> bool:
        """`heartbeat` for code without an event loop."""
        try:
            return _is_acknowledged(self._post_sync(self._heartbeat_call()))
        except Exception as error:
            return _no_heartbeat(error)

    def signal_complete_sync(self, result: Mapping[str, Any] | None = None) -> None:
        """`signal_complete` for code without an event loop."""
        _note_refusal(self._post_sync(self._complete_call(result)))

    def signal_error_sync(self, error: str, details: Mapping[str, Any] | None = None) -> None:
        """`signal_error` for code without an event loop."""
        _note_refusal(self._post_sync(self._error_call(error, details)))

    def _heartbeat_call(self) -> _Call:
        return _Call(self._url("heartbeat"), HEARTBEAT_SECONDS)

    def _complete_call(self, result: Mapping[str, Any] | None) -> _Call:
        return _Call(self._url("complete"), SIGNAL_SECONDS, {"result": dict(result or {})})

    def _error_call(self, error: str, details: Mapping[str, Any] | None) -> _Call:
        return _Call(self._url("error"), SIGNAL_SECONDS, {"error": error, "details": dict(details or {})})

    def _url(self, signal: str) -> str:
        return f"{self._orchestrator_url}/sandboxes/{quote(self._info.sandbox_id, safe='')}/{signal}"

    async def _post(self, call: _Call) -> httpx.Response:
        attempt = 1
        while True:
            try:
                async with httpx.AsyncClient(**_client_options(call.url)) as client:
                    return await client.post(call.url, json=call.body, timeout=call.timeout, headers=authorization())
            except _PASSING as error:
                await _pause(call.delay_after(attempt, error))
            attempt += 1

    def _post_sync(self, call: _Call) -> httpx.Response:
        attempt = 1
        while True:
            try:
                with httpx.Client(**_client_options(call.url)) as client:
                    return client.post(call.url, json=call.body, timeout=call.timeout, headers=authorization())
            except _PASSING as error:
                _pause_sync(call.delay_after(attempt, error))
            attempt += 1


def _client_options(url: str) -> dict[str, Any]:
    """trust_env off: a proxy that the user set for the web must not see the pod's token. TLS then trusts what the system
    trusts (SSL_CERT_FILE included), not only the authorities that httpx brings."""
    return {"trust_env": False, "verify": ssl.create_default_context() if url.startswith("https:") else True}


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


def _pause_sync(seconds: float) -> None:
    time.sleep(seconds)


def _is_acknowledged(response: httpx.Response) -> bool:
    _note_refusal(response)
    return response.status_code == 200


def _no_heartbeat(error: Exception) -> bool:
    logger.warning("The heartbeat was not delivered: %s", error)
    return False


def _note_refusal(response: httpx.Response) -> None:
    """A refused signal must not be silent: it is not an exception (callers end anyway), but it stands in the log."""
    if response.status_code < 400:
        return
    remedy = (
        " Is the token file named by MATRX_TOKEN_FILE there and current?" if response.status_code in (401, 403) else ""
    )
    logger.warning("%s was answered %d: %s%s", response.request.url, response.status_code, response.text[:500], remedy)
