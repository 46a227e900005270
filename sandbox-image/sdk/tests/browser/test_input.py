"""Browser tools that do something: clicking, typing, scrolling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from matrx_tools import ToolResult

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


@pytest.fixture
async def form(call: Call, site: Any) -> str:
    await call("BrowserNavigate", url=f"{site.url}/")
    return str(site.url)


async def value(call: Call, javascript: str) -> str:
    return (await call("BrowserEvaluate", javascript=javascript)).output


async def test_click_by_selector_text_and_position(call: Call, form: str) -> None:
    """Click: a selector, a text in any case, a place; which button; how often [A8.9]"""
    await call("BrowserClick", selector="#one")
    await call("BrowserClick", text="ONE")
    place = "(({x, y, width, height}) => [x + width / 2, y + height / 2])(document.getElementById('one').getBoundingClientRect())"
    x, y = (float(part) for part in (await value(call, place)).strip("[]\n ").split(","))
    await call("BrowserClick", position={"x": x, "y": y}, click_count=2)
    await call("BrowserClick", selector="#one", button="right")
    assert (await value(call, "clicks.join()")) == "one1,one1,one1,one2,right"


async def test_click_needs_exactly_one_target(
    call: Call, refused: Refused, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None or two of selector, text and position are an error; so is what is not there [A8.9]"""
    assert "exactly one of selector, text and position" in await refused("BrowserClick")
    assert "exactly one of selector, text and position" in await refused("BrowserClick", text="a", selector="b")
    assert "Unexpected token" in await refused("BrowserClick", selector="<<<")


async def test_a_click_that_finds_nothing_ends(call: Call, refused: Refused, form: str, session: Any) -> None:
    """After the time limit: an answer that says what was waited for [A8.9]"""
    (await session.browser.page()).context.set_default_timeout(200)
    assert "Timeout 200ms exceeded" in await refused("BrowserClick", text="no such text")


async def test_a_link_is_followed(call: Call, form: str) -> None:
    """A click that leads elsewhere says where [A8.9]"""
    await call("BrowserClick", text="The second page")
    assert "Here" in (await call("BrowserSnapshot")).output


async def test_typing(call: Call, form: str) -> None:
    """Type: after what is there or instead of it, into a field or the one with the focus, with Enter or not [A8.9]"""
    await call("BrowserType", text=" new", selector="#name")
    assert await value(call, "document.getElementById('name').value") in ("old new", " newold")
    await call("BrowserType", text="Ada", selector="#name", clear_first=True)
    assert await value(call, "document.getElementById('name').value") == "Ada"
    await call("BrowserType", text="Grace", clear_first=True, press_enter=True)
    assert await value(call, "document.title") == "Sent Grace"
    await call("BrowserType", text="ü" * 20_000, selector="#name", clear_first=True)
    assert await value(call, "document.getElementById('name').value.length") == "20000"


async def test_keys(call: Call, refused: Refused, form: str) -> None:
    """PressKey: keys and combinations; an unknown one is an error [A8.9]"""
    await call("BrowserClick", selector="#name")
    await call("BrowserPressKey", key="Control+a")
    await call("BrowserPressKey", key="x")
    assert await value(call, "document.getElementById('name').value") == "x"
    await call("BrowserPressKey", key="Enter")
    assert await value(call, "document.title") == "Sent x"
    assert 'Unknown key: "Nonsense"' in await refused("BrowserPressKey", key="Nonsense")


async def test_scrolling(call: Call, form: str) -> None:
    """Scroll: three steps of 100 pixels down unless said otherwise [A8.9]"""
    assert (await call("BrowserScroll")).metadata == {"x": 0, "y": 300}
    assert (await call("BrowserScroll", direction="up", amount=1)).metadata == {"x": 0, "y": 200}
    assert (await call("BrowserScroll", direction="up", amount=50)).metadata == {"x": 0, "y": 0}
    await call("BrowserScroll", selector="#box", amount=2)
    await call("BrowserScroll", selector="#box div", direction="right", amount=1)
    assert await value(call, "[box.scrollTop, box.scrollLeft, scrollY].join()") == "200,100,0"
    shown = await call("BrowserScroll", selector="#end", direction="up", amount=1)
    assert shown.metadata is not None and shown.metadata["y"] > 1000
