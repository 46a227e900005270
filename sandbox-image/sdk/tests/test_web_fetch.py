"""WebFetch, against a server on this machine."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from matrx_tools import ToolResult
from matrx_tools.web import download
from matrx_tools.web import fetch as fetch_module

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]

PAGE = b"""<!doctype html><html><head><title>A  page</title><style>p {}</style></head>
<body><script>alert(1)</script><h1>Hello</h1><p>See <a href="/next">the next</a>.</p></body></html>"""


async def fetch(call: Call, url: str) -> ToolResult:
    return await call("WebFetch", url=url, prompt="What is it?")


async def test_html_comes_as_markdown(call: Call, web: Any, answer: Any) -> None:
    """A page is fetched and shown as text, with its title, address and what is wanted of it [A8.8]"""
    web.pages["/"] = answer(200, PAGE)
    result = await fetch(call, f"{web.url}/")
    assert result.output == (
        f"URL: {web.url}/\nTitle: A page\n\n# Hello\n\nSee [the next]({web.url}/next).\n\n"
        "(To be answered from this page: What is it?)"
    )
    assert result.metadata == {
        "url": f"{web.url}/",
        "status": 200,
        "content_type": "text/html",
        "bytes": len(PAGE),
        "title": "A page",
    }


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://x/y",
        "javascript:alert(1)",
        "data:text/html,x",
        "x",
        "",
        "http://",
        "//host/x",
        "http://[x",
    ],
)
async def test_only_the_web_is_fetched(refused: Refused, url: str) -> None:
    """Anything but http and https is refused [A8.8]"""
    await refused("WebFetch", url=url, prompt="x")


async def test_redirects_are_followed(call: Call, web: Any, answer: Any) -> None:
    """Redirects lead to the page, relative ones too, and the answer says where it was [A8.8]"""
    web.pages["/a"] = answer(301, b"", headers={"location": "/b?x=1"})
    web.pages["/b"] = answer(302, b"", headers={"location": f"{web.url}/c"})
    web.pages["/c"] = answer(200, PAGE)
    assert (await fetch(call, f"{web.url}/a")).output.startswith(f"URL: {web.url}/c\n")


async def test_redirects_end(refused: Refused, web: Any, answer: Any) -> None:
    """After 10 redirects it is enough [A8.8]"""
    web.pages["/a"] = answer(302, b"", headers={"location": "/a"})
    assert "more than 10 redirects" in await refused("WebFetch", url=f"{web.url}/a", prompt="x")
    assert len(web.requests) == 11


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://x/", "http://[x", "http://"])
async def test_a_redirect_does_not_leave_the_web(refused: Refused, web: Any, answer: Any, location: str) -> None:
    """A redirect to anything but http and https is refused [A8.8]"""
    web.pages["/a"] = answer(302, b"", headers={"location": location})
    await refused("WebFetch", url=f"{web.url}/a", prompt="x")


async def test_an_error_is_one(refused: Refused, web: Any, answer: Any) -> None:
    """A status of 400 and more is an error with the page's words [A8.8]"""
    web.pages["/a"] = answer(404, b"<p>Not <b>here</b></p>")
    assert (
        await refused("WebFetch", url=f"{web.url}/a", prompt="x")
        == f"{web.url}/a answered 404 Not Found.\n\nNot **here**"
    )


async def test_a_server_that_is_not_there(refused: Refused) -> None:
    """Nobody at the address, no such host: answers [A8.8]"""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/"
        assert "could not be fetched" in await refused("WebFetch", url=url, prompt="x")
    assert "could not be fetched" in await refused("WebFetch", url="http://no-such-host.invalid/", prompt="x")


async def test_size_is_bounded(call: Call, web: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large page is cut, with a note, and not fetched to its end [A8.8]"""
    monkeypatch.setattr(download, "MAX_BYTES", 1000)
    monkeypatch.setattr(fetch_module, "MAX_CHARACTERS", 600)
    web.pages["/a"] = answer(200, b"<p>" + b"x " * 100_000, "text/html")
    output = (await fetch(call, f"{web.url}/a")).output
    assert "(The page is cut at 1000 bytes.)" in output and "(The text is cut at 600 of 997 characters.)" in output


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_compressed_pages(
    call: Call, web: Any, answer: Any, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """gzip and deflate are unpacked, and a bomb is unpacked only to the bound [A8.8]"""
    web.pages["/a"] = answer(200, pack(PAGE), headers={"content-encoding": encoding})
    assert "# Hello" in (await fetch(call, f"{web.url}/a")).output
    web.pages["/bomb"] = answer(200, pack(b"x" * 50_000_000), "text/plain", headers={"content-encoding": encoding})
    result = await fetch(call, f"{web.url}/bomb")
    assert result.metadata is not None and result.metadata["bytes"] == download.MAX_BYTES


async def test_encodings_that_are_broken_or_unasked(refused: Refused, web: Any, answer: Any) -> None:
    """Broken gzip and an encoding that was not asked for are answers [A8.8]"""
    web.pages["/a"] = answer(200, b"not gzip", headers={"content-encoding": "gzip"})
    assert "broken gzip data" in await refused("WebFetch", url=f"{web.url}/a", prompt="x")
    web.pages["/b"] = answer(200, b"x", headers={"content-encoding": "br"})
    assert "which was not asked for" in await refused("WebFetch", url=f"{web.url}/b", prompt="x")


async def test_time_is_bounded(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends a byte now and then is given up after a time [A8.8]"""
    monkeypatch.setattr(download, "SECONDS", 0.5)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert "did not answer" in await refused("WebFetch", url=f"http://127.0.0.1:{port}/", prompt="x")


async def test_other_text_comes_as_it_is(call: Call, web: Any, answer: Any) -> None:
    """JSON, Markdown and text are shown as they are, in their charset [A8.8]"""
    web.pages["/j"] = answer(200, b'{"a": [1]}', "application/json")
    web.pages["/t"] = answer(200, "größe".encode("latin-1"), "text/plain; charset=iso-8859-1")
    web.pages["/u"] = answer(200, "größe".encode(), "text/plain; charset=no-such-thing")
    web.pages["/f"] = answer(200, b"<feed/>", "application/atom+xml")
    for path, text in {"j": '{"a": [1]}', "t": "größe", "u": "größe", "f": "<feed/>"}.items():
        assert f"\n\n{text}\n\n" in (await fetch(call, f"{web.url}/{path}")).output


async def test_html_in_its_own_charset(call: Call, web: Any, answer: Any) -> None:
    """The charset comes from the header, else from the page [A8.8]"""
    web.pages["/a"] = answer(200, "<p>größe</p>".encode("latin-1"), "text/html; charset=iso-8859-1")
    web.pages["/b"] = answer(200, '<meta charset="iso-8859-1"><p>größe</p>'.encode("latin-1"), "text/html")
    web.pages["/c"] = answer(200, "<p>größe</p>".encode(), "")
    for path in "abc":
        assert "größe" in (await fetch(call, f"{web.url}/{path}")).output


async def test_a_picture_comes_as_a_picture(call: Call, web: Any, answer: Any) -> None:
    """An image is shown [A8.8]"""
    web.pages["/a"] = answer(200, b"GIF89a...", "image/gif")
    result = await fetch(call, f"{web.url}/a")
    assert result.image is not None and result.image.media_type == "image/gif"


@pytest.mark.parametrize(
    ("kind", "body"), [("application/zip", b"PK"), ("image/png", b"no picture"), ("text/plain", b"a\0b")]
)
async def test_what_is_no_text_is_refused(refused: Refused, web: Any, answer: Any, kind: str, body: bytes) -> None:
    """A download that is no text is an answer that says how to get it [A8.8]"""
    web.pages["/a"] = answer(200, body, kind)
    assert "curl" in await refused("WebFetch", url=f"{web.url}/a", prompt="x")


async def test_a_page_without_text_says_where_to_look(call: Call, web: Any, answer: Any) -> None:
    """A page made by its scripts is for the browser [A8.8]"""
    web.pages["/a"] = answer(200, b"<div id=app></div><script>app()</script>")
    assert "BrowserNavigate" in (await fetch(call, f"{web.url}/a")).output
