"""WebFetch: a page from the web, as text."""

from __future__ import annotations

import asyncio

from pydantic import Field

from matrx_tools.files.picture import media_type
from matrx_tools.parameters import Parameters
from matrx_tools.session import ToolSession
from matrx_tools.tool import Tool
from matrx_tools.types import ImageData, ToolResult, failure, success
from matrx_tools.web.download import Page, download
from matrx_tools.web.readable import Readable, readable

MAX_CHARACTERS = 100_000
SHOWN_OF_ERROR = 1000
_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("application/json", "application/xml", "application/javascript", "application/x-yaml", "application/toml")


class WebFetchParameters(Parameters):
    """Parameters of WebFetch."""

    url: str = Field(min_length=1, json_schema_extra={"format": "uri"}, description="The page's URL, http or https")
    prompt: str = Field(description="What you want to know from the page")


async def web_fetch(parameters: WebFetchParameters, session: ToolSession) -> ToolResult:
    """Fetch a page and show it for reading."""
    page = await download(parameters.url)
    facts = {"url": page.url, "status": page.status, "content_type": page.content_type, "bytes": len(page.body)}
    content = await asyncio.to_thread(_content, page)
    if page.status >= 400:
        text = "" if content is None else content.markdown[:SHOWN_OF_ERROR]
        return failure(f"{page.url} answered {page.status} {page.reason}.\n\n{text}".rstrip(), metadata=facts)
    picture = media_type(page.body) if page.content_type.startswith("image/") and not page.truncated else None
    if picture is not None:
        return success(
            f"{page.url}: {picture}, {len(page.body)} bytes", image=ImageData.of(picture, page.body), metadata=facts
        )
    if content is None:
        return failure(
            f"{page.url} is {page.content_type or 'of unknown type'} and cannot be shown as text. "
            "Download it with Bash: curl -fLO URL",
            metadata=facts,
        )
    return success(_answer(page, content, parameters.prompt), metadata={**facts, "title": content.title})


def _answer(page: Page, content: Readable, prompt: str) -> str:
    text = content.markdown or "(The page has no text. It may need JavaScript: open it with BrowserNavigate.)"
    notes: list[str] = []
    if len(text) > MAX_CHARACTERS:
        notes.append(f"(The text is cut at {MAX_CHARACTERS} of {len(text)} characters.)")
        text = text[:MAX_CHARACTERS]
    if page.truncated:
        notes.append(f"(The page is cut at {len(page.body)} bytes.)")
    head = [f"URL: {page.url}", *([f"Title: {content.title}"] if content.title else [])]
    return "\n\n".join(["\n".join(head), text, *notes, f"(To be answered from this page: {prompt})"])


def _content(page: Page) -> Readable | None:
    """The page as text, or None if it is none."""
    if page.content_type in _HTML or (not page.content_type and page.body.lstrip()[:1] == b"<"):
        return readable(page.body, page.url, page.charset)
    is_text = page.content_type.startswith("text/") or page.content_type in _TEXT or not page.content_type
    is_text = is_text or page.content_type.endswith(("+json", "+xml"))
    if not is_text or b"\0" in page.body[:8192]:
        return None
    try:
        return Readable("", page.body.decode(page.charset or "utf-8", "replace"))
    except LookupError:
        return Readable("", page.body.decode("utf-8", "replace"))


WEB_FETCH = Tool(
    name="WebFetch",
    description=(
        "Fetch a page from the web. HTML comes as Markdown, other text as it is, a picture as a picture. Redirects are "
        "followed. The answer is the page itself: read from it what you wanted to know. For pages that need JavaScript use "
        "BrowserNavigate and BrowserSnapshot."
    ),
    parameters=WebFetchParameters,
    run=web_fetch,
)
