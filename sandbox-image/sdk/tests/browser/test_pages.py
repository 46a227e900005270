"""Browser tools on pages: going, looking, waiting."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from matrx_tools import ToolResult, ToolSession, dispatch
from matrx_tools.browser import evaluate
from matrx_tools.browser.navigate import full_url
from matrx_tools.browser.snapshot import shallow

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


def size_of(result: ToolResult) -> tuple[int, int]:
    """Width and height of the PNG in a result."""
    assert result.image is not None and result.image.media_type == "image/png"
    data = base64.b64decode(result.image.base64_data)
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


async def test_the_browser_starts_with_its_first_use(call: Call, site: Any, session: ToolSession) -> None:
    """Lazy start, and the page's title, URL and status [A8.9]"""
    assert not session.browser.is_running
    result = await call("BrowserNavigate", url=f"{site.url}/")
    assert result.output == f"Page: Form\nURL: {site.url}/\nStatus: 200"
    assert session.browser.is_running
    missing = await call("BrowserNavigate", url=f"{site.url}/nowhere", wait_until="load")
    assert missing.metadata == {"url": f"{site.url}/nowhere", "status": 404}


async def test_a_page_that_is_not_there(call: Call, refused: Refused) -> None:
    """An address without a server is an answer, and the browser goes on [A8.9]"""
    for _ in range(3):
        assert "ERR_CONNECTION_REFUSED" in await refused("BrowserNavigate", url="http://127.0.0.1:3/")
        assert "data:" in (await call("BrowserNavigate", url="data:text/html,x")).output
    assert "ERR_ABORTED" in await refused("BrowserNavigate", url="nonsense://x")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("example.com/a", "https://example.com/a"),
        ("localhost:3000", "http://localhost:3000"),
        ("127.0.0.1/x", "http://127.0.0.1/x"),
        ("[::1]:8", "http://[::1]:8"),
        ("http://x", "http://x"),
        ("about:blank", "about:blank"),
        ("file:///etc/hosts", "file:///etc/hosts"),
    ],
)
def test_addresses_as_people_write_them(text: str, url: str) -> None:
    """A scheme is added where there is none [A8.9]"""
    assert full_url(text) == url


async def test_a_snapshot_shows_roles_names_and_values(call: Call, refused: Refused, site: Any) -> None:
    """Snapshot: the accessibility tree of the page, or of one element [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    output = (await call("BrowserSnapshot")).output
    assert output.startswith(f"Page: Form\nURL: {site.url}/\n\n")
    for line in (
        '- heading "Welcome" [level=1]',
        '- textbox "Name": old',
        '- button "Send it"',
        '- link "The second page":',
    ):
        assert line in output
    assert "Hidden one" not in output
    part = (await call("BrowserSnapshot", selector="form")).output
    assert 'textbox "Name"' in part and "Welcome" not in part


async def test_a_snapshot_is_bounded(call: Call) -> None:
    """8 levels and 50,000 characters, each with a note [A8.9]"""
    nested = "<ul><li>" * 12 + "deep"
    await call("BrowserNavigate", url=f"data:text/html,{nested}")
    output = (await call("BrowserSnapshot")).output
    assert "deep" not in output.split("\n\n", 1)[1].rsplit("\n", 1)[0]
    assert "deeper lines are not shown; give a selector" in output
    await call("BrowserEvaluate", javascript="document.body.innerHTML = '<p>some words</p>'.repeat(10000)")
    output = (await call("BrowserSnapshot")).output
    assert len(output) < 50_100 and "[cut at 50000 of " in output


def test_shallow_counts_what_it_leaves_out() -> None:
    """Lines below level 8 are counted [A8.9]"""
    tree = "\n".join(f"{'  ' * level}- {level}" for level in range(10))
    assert shallow(tree).split("\n")[7:] == [
        f"{'  ' * 7}- 7",
        "(2 deeper lines are not shown; give a selector to see them.)",
    ]


async def test_screenshots(call: Call, refused: Refused, site: Any) -> None:
    """Screenshot: the view of 1280×720, the whole page, one element; bounded in height [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    assert size_of(await call("BrowserScreenshot")) == (1280, 720)
    width, height = size_of(await call("BrowserScreenshot", full_page=True))
    assert width == 1280 and 3000 < height < 4000
    assert size_of(await call("BrowserScreenshot", selector="#box")) in ((100, 100), (100, 101))
    await call("BrowserEvaluate", javascript="document.body.style.height = '100000px'")
    assert size_of(await call("BrowserScreenshot", full_page=True)) == (1280, 16_384)


VALUES = [
    ("1 + 1", "2"),
    ("'a string'", "a string"),
    ("({a: [1, null, 'x']})", '{\n  "a": [\n    1,\n    null,\n    "x"\n  ]\n}'),
    ("undefined", "null"),
    ("() => document.title", "Form"),
    ("Promise.resolve(7)", "7"),
    ("await Promise.resolve(8)", "null"),
    ("return await Promise.resolve(9)", "9"),
    ("const x = 5; return x * 2", "10"),
    ("const y = 5; return y // comment", "5"),
    ("'é'.repeat(2)", "éé"),
]


async def test_evaluate(call: Call, site: Any) -> None:
    """Evaluate: expressions, functions, promises and statements; strings as they are, else JSON [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    for javascript, output in VALUES:
        assert (await call("BrowserEvaluate", javascript=javascript)).output == output


async def test_evaluate_says_what_the_page_says(call: Call, refused: Refused) -> None:
    """An exception in the page is an answer; a long value is cut at 50,000 characters [A8.9]"""
    assert "ReferenceError: nope is not defined" in await refused("BrowserEvaluate", javascript="nope()")
    assert "SyntaxError" in await refused("BrowserEvaluate", javascript="if (")
    output = (await call("BrowserEvaluate", javascript="'x'.repeat(60000)")).output
    assert output == "x" * 50_000 + "\n… [cut at 50000 of 60000 characters]"


async def test_a_script_without_end_is_ended(call: Call, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless loop is stopped after its time, and the page can be used again [A8.9]"""
    await call("BrowserNavigate", url="data:text/html,<title>Loop</title>")
    monkeypatch.setattr(evaluate, "TIMEOUT_MS", 1000)
    assert "did not end within 1 s" in await refused("BrowserEvaluate", javascript="while (true) {}")
    assert (await call("BrowserEvaluate", javascript="document.title")).output == "Loop"


async def test_waiting_for_text_and_selector(call: Call, refused: Refused, site: Any) -> None:
    """WaitFor: until it can be seen, or until the time is over [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/late")
    assert "is there" in (await call("BrowserWaitFor", text="now it is")).output
    assert "is there" in (await call("BrowserWaitFor", selector="#p")).output
    assert "did not appear within 100 ms" in await refused("BrowserWaitFor", selector="#never", timeout=100)
    assert "exactly one of text and selector" in await refused("BrowserWaitFor")
    assert "exactly one of text and selector" in await refused("BrowserWaitFor", text="a", selector="b")


async def test_back(call: Call, refused: Refused, site: Any) -> None:
    """Back: to the page before; with none before it an error [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    await call("BrowserNavigate", url=f"{site.url}/second")
    assert (await call("BrowserBack")).output == f"Page: Form\nURL: {site.url}/"
    await call("BrowserBack")
    assert "There is no page to go back to" in await refused("BrowserBack")


async def test_calls_made_at_once_share_one_browser(session: ToolSession, site: Any) -> None:
    """Parallel first uses started a browser each [A8.9]"""
    calls = [dispatch("BrowserEvaluate", {"javascript": f"{number}"}, session) for number in range(5)]
    assert [result.output for result in await asyncio.gather(*calls)] == ["0", "1", "2", "3", "4"]
    assert list(session.browser.pages) == ["page_1"]
