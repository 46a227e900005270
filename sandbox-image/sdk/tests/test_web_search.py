"""WebSearch, against a server that answers as SearXNG does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from matrx_tools import ToolResult

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]

RESULTS = [
    {"title": "One", "url": "https://one.example/a", "content": "first\n result", "engine": "x"},
    {"title": "", "url": "https://docs.two.example/b", "content": None},
    {"title": "Three", "url": "https://nottwo.example/c", "content": "c"},
    {"title": "No address"},
    "nonsense",
    {"title": "Odd", "url": "http://[odd"},
]


@pytest.fixture
def searx(web: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    web.pages["/search"] = answer(200, json.dumps({"query": "x", "results": RESULTS}).encode(), "application/json")
    monkeypatch.setenv("MATRX_SEARCH_URL", web.url)
    return web


async def test_results_come_with_title_address_and_summary(call: Call, searx: Any) -> None:
    """The query goes to MATRX_SEARCH_URL, and its results come back [A8.8]"""
    result = await call("WebSearch", query="what & why")
    assert result.output == (
        "1. One\n   https://one.example/a\n   first result\n"
        "2. https://docs.two.example/b\n   https://docs.two.example/b\n"
        "3. Three\n   https://nottwo.example/c\n   c\n"
        "4. Odd\n   http://[odd"
    ).replace("\n4. Odd\n   http://[odd", "")
    assert parse_qs(urlsplit(searx.requests[0].path).query) == {"q": ["what & why"], "format": ["json"]}


async def test_domains_are_allowed_and_blocked(call: Call, searx: Any) -> None:
    """allowed_domains and blocked_domains hold for a domain and those below it, and for nothing that only ends alike [A8.8]"""
    only = await call("WebSearch", query="xx", allowed_domains=["two.example"])
    assert only.metadata == {"results": [{"title": "https://docs.two.example/b", "url": "https://docs.two.example/b"}]}
    assert parse_qs(urlsplit(searx.requests[0].path).query)["q"] == ["xx site:two.example"]
    without = await call("WebSearch", query="xx", blocked_domains=["*.TWO.example", "one.example"])
    assert without.output.startswith("1. Three\n")
    both = await call(
        "WebSearch", query="xx", allowed_domains=["one.example", "two.example"], blocked_domains=["one.example"]
    )
    assert both.output.startswith("1. https://docs.two.example/b")
    none = await call("WebSearch", query="xx", allowed_domains=["elsewhere.example"])
    assert none.output == "No results for 'xx'."


async def test_without_a_server_the_answer_says_what_to_set(refused: Refused) -> None:
    """Without MATRX_SEARCH_URL: which variable, and what it is to hold [A8.8]"""
    text = await refused("WebSearch", query="xx")
    assert "MATRX_SEARCH_URL" in text and "SearXNG" in text


@pytest.mark.parametrize("path", ["/search", "/", "/sub/", "/sub/search"])
async def test_the_setting_may_name_the_server_or_its_search(
    call: Call, searx: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The setting may end with /search or not [A8.8]"""
    searx.pages["/sub/search"] = searx.pages["/search"]
    monkeypatch.setenv("MATRX_SEARCH_URL", f"{searx.url}{path}")
    assert "One" in (await call("WebSearch", query="xx")).output


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (403, b"", "format json enabled"),
        (500, b"", "answered 500"),
        (200, b"<html>", "did not answer with JSON"),
        (200, b"[]", "without a list of results"),
        (200, b'{"results": 7}', "without a list of results"),
    ],
)
async def test_a_server_that_answers_otherwise(
    refused: Refused, searx: Any, answer: Any, status: int, body: bytes, text: str
) -> None:
    """A search server that refuses or is none is an answer with a remedy [A8.8]"""
    searx.pages["/search"] = answer(status, body)
    assert text in await refused("WebSearch", query="xx")


async def test_a_wrong_setting_is_an_answer(refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is no URL is an answer, and a query of one character too [A8.8]"""
    monkeypatch.setenv("MATRX_SEARCH_URL", "searxng:8080")
    assert "Only http and https" in await refused("WebSearch", query="xx")
    assert "at least 2 characters" in await refused("WebSearch", query="x")
