"""WebSearch: by a SearXNG server (or anything with its JSON interface, https://docs.searxng.org/dev/search_api.html)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ToolError, ToolResult, failure, success
from matrx_tools.web.download import download

SETTING = "MATRX_SEARCH_URL"
MAX_RESULTS = 20
MAX_SUMMARY = 500


class WebSearchParameters(Parameters):
    """Parameters of WebSearch."""

    query: str = Field(min_length=2, description="What to search for")
    allowed_domains: list[str] | None = Field(
        None, description="Show only results from these domains and those below them"
    )
    blocked_domains: list[str] | None = Field(
        None, description="Show no results from these domains and those below them"
    )


@dataclass(frozen=True)
class Result:
    """One result of a search."""

    title: str
    url: str
    summary: str


async def web_search(parameters: WebSearchParameters, session: ToolSession) -> ToolResult:
    """Search the web."""
    endpoint = os.environ.get(SETTING, "").strip()
    if not endpoint:
        return failure(
            f"WebSearch has no search server. Set {SETTING} in the sandbox's environment to the URL of a SearXNG server "
            "whose JSON format is enabled, such as http://searxng:8080. Pages whose address you know can be read with "
            "WebFetch."
        )
    query = parameters.query
    if parameters.allowed_domains and len(parameters.allowed_domains) == 1:
        query = f"{query} site:{parameters.allowed_domains[0]}"
    page = await download(_search_address(endpoint), {"q": query, "format": "json"}, "application/json")
    if page.status >= 400:
        hint = " Is the format json enabled there (search.formats in settings.yml)?" if page.status == 403 else ""
        return failure(f"The search server of {SETTING} answered {page.status} {page.reason}.{hint}")
    found = [
        result
        for result in _results(page.body)
        if _is_wanted(result.url, parameters.allowed_domains, parameters.blocked_domains)
    ]
    if not found:
        return success(f"No results for {parameters.query!r}.", metadata={"results": []})
    shown = found[:MAX_RESULTS]
    lines = [f"{number}. {one.title}\n   {one.url}\n   {one.summary}".rstrip() for number, one in enumerate(shown, 1)]
    return success("\n".join(lines), metadata={"results": [{"title": one.title, "url": one.url} for one in shown]})


def _search_address(endpoint: str) -> str:
    return endpoint if urlsplit(endpoint).path.rstrip("/").endswith("/search") else f"{endpoint.rstrip('/')}/search"


def _results(body: bytes) -> Iterator[Result]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ToolError(f"The search server of {SETTING} did not answer with JSON: {error}") from error
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        raise ToolError(f"The search server of {SETTING} answered without a list of results; is it SearXNG?")
    for one in results:
        if isinstance(one, dict) and isinstance(one.get("url"), str):
            yield Result(_line(one.get("title")) or one["url"], one["url"], _line(one.get("content"))[:MAX_SUMMARY])


def _line(text: Any) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""


def _is_wanted(url: str, allowed: Sequence[str] | None, blocked: Sequence[str] | None) -> bool:
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    if blocked and any(_is_below(host, domain) for domain in blocked):
        return False
    return not allowed or any(_is_below(host, domain) for domain in allowed)


def _is_below(host: str, domain: str) -> bool:
    wanted = domain.strip().lower().removeprefix("*").strip(".")
    return bool(wanted) and (host == wanted or host.endswith(f".{wanted}"))


WEB_SEARCH = Tool(
    name="WebSearch",
    description=(
        "Search the web. Shows titles, addresses and summaries of the first results, on request only from some domains or "
        "without some. Read a page with WebFetch."
    ),
    parameters=WebSearchParameters,
    run=web_search,
)
