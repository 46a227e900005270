"""One GET with every bound that a page from the web needs: redirects, time, bytes, and what compressed bytes swell to."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass

import httpx

from matrx_tools.types import ToolError

MAX_REDIRECTS = 10
MAX_BYTES = 5 * 1024 * 1024
SECONDS = 30.0
HEADERS = {
    "User-Agent": "matrx-tools/0.1",
    "Accept": "text/html,application/xhtml+xml,text/markdown;q=0.9,text/plain;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}


@dataclass(frozen=True)
class Page:
    """What a URL answered."""

    url: str
    """Where the redirects ended."""
    status: int
    reason: str
    content_type: str
    """In lower case, without parameters."""
    charset: str | None
    body: bytes
    truncated: bool
    """Whether the body is longer than what is here."""


def web_url(text: str) -> httpx.URL:
    """`text` as an address of the web. Raises ToolError for anything that is not http or https."""
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise ToolError(f"{text!r} is not a URL: {error}") from error
    if url.scheme not in ("http", "https"):
        raise ToolError(f"Only http and https URLs can be fetched, not {text!r}.")
    if not url.host:
        raise ToolError(f"{text!r} names no host.")
    return url


async def download(address: str, params: dict[str, str] | None = None, accept: str | None = None) -> Page:
    """GET `address`, with the query parameters `params`, following redirects. Raises ToolError when there is no answer."""
    url = web_url(address)
    if params:
        url = url.copy_merge_params(params)
    try:
        async with asyncio.timeout(SECONDS), httpx.AsyncClient(headers=HEADERS, timeout=SECONDS) as client:
            return await _follow(client, url, {"Accept": accept} if accept else {})
    except TimeoutError:
        raise ToolError(f"{url} did not answer completely within {SECONDS:.0f} s.") from None
    except httpx.TimeoutException:
        raise ToolError(f"{url} did not answer within {SECONDS:.0f} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ToolError(f"{url} could not be fetched: {error or type(error).__name__}") from error


async def _follow(client: httpx.AsyncClient, url: httpx.URL, headers: dict[str, str]) -> Page:
    for _ in range(MAX_REDIRECTS + 1):
        async with client.stream("GET", url, headers=headers) as response:
            location = response.headers.get("location")
            if not response.is_redirect or not location:
                return await _page(response)
        url = web_url(str(url.join(location)))
    raise ToolError(f"{url} was not reached: more than {MAX_REDIRECTS} redirects.")


async def _page(response: httpx.Response) -> Page:
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    body, truncated = await _body(response)
    return Page(
        url=str(response.url),
        status=response.status_code,
        reason=response.reason_phrase,
        content_type=content_type,
        charset=response.charset_encoding,
        body=body,
        truncated=truncated,
    )


async def _body(response: httpx.Response) -> tuple[bytes, bool]:
    """At most MAX_BYTES of the decoded body. Decoded here, not by httpx: 5 MB of gzip can hold 5 GB of zeroes."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        decoder = zlib.decompressobj(wbits=31)
    elif encoding == "deflate":
        decoder = zlib.decompressobj()
    elif encoding in ("identity", ""):
        decoder = None
    else:
        raise ToolError(f"{response.url} answered in the encoding {encoding!r}, which was not asked for.")
    body = bytearray()
    async for chunk in response.aiter_raw():
        try:
            body += chunk if decoder is None else decoder.decompress(chunk, MAX_BYTES + 1 - len(body))
        except zlib.error as error:
            raise ToolError(f"{response.url} answered with broken {encoding} data: {error}") from error
        if len(body) > MAX_BYTES:
            return bytes(body[:MAX_BYTES]), True
    return bytes(body), False
