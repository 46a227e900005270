"""HTML as Markdown: what a person would read of a page, without its scripts, styles and forms' machinery."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from urllib.parse import urljoin

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

_DROPPED = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object", "head", "canvas", "select"})
_BLOCKS = frozenset(
    (
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "dd",
            "details",
            "div",
            "dl",
            "dt",
            "fieldset",
            "figcaption",
        ),
        *(
            "figure",
            "footer",
            "form",
            "header",
            "hr",
            "html",
            "li",
            "main",
            "nav",
            "ol",
            "p",
            "pre",
            "section",
            "summary",
        ),
        *("table", "ul"),
    )
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "del": "~~", "s": "~~"}
MAX_DEPTH = 100
"""Elements nested deeper (no page for people does that) are shown as their text alone, so that no input exhausts the stack."""


@dataclass(frozen=True)
class Readable:
    """A page for reading."""

    title: str
    markdown: str


def readable(html: bytes | str, base_url: str, charset: str | None = None) -> Readable:
    """The title and the text of a page; links are made absolute against `base_url`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on pages that look like XML or like a file name: they are read all the same
        # lxml, not html.parser: that knows no implied end tags (<li>one<li>two), and 300 kB of "<a <a <a" hold it for minutes.
        soup = BeautifulSoup(html, "lxml", from_encoding=charset if isinstance(html, bytes) else None)
    title = _squeezed(soup.title.get_text()).strip() if soup.title else ""
    base = soup.find("base", href=True)
    if isinstance(base, Tag):
        base_url = _absolute(base_url, str(base["href"]))
    root = soup.body or soup
    return Readable(title, _tidy(_children(root, base_url, 0)))


def _children(element: Tag, base: str, depth: int) -> str:
    return "".join(_node(child, base, depth + 1) for child in element.children)


def _node(node: PageElement, base: str, depth: int) -> str:
    if isinstance(node, NavigableString):
        # Comments, doctypes and the like are strings too.
        return "" if isinstance(node, PreformattedString) else _squeezed(str(node))
    if not isinstance(node, Tag) or node.name in _DROPPED or node.has_attr("hidden"):
        return ""
    if depth > MAX_DEPTH:
        return " ".join(_squeezed(text) for text in node.strings)
    return _element(node, base, depth)


def _element(tag: Tag, base: str, depth: int) -> str:
    name = tag.name
    if name in _HEADINGS:
        text = _one_line(_children(tag, base, depth))
        return f"\n\n{_HEADINGS[name]} {text}\n\n" if text else ""
    if name == "br":
        return "\n"
    if name == "hr":
        return "\n\n---\n\n"
    if name == "a":
        return _link(tag, base, depth)
    if name == "img":
        return (
            f"![{alt}]({_absolute(base, str(tag.get('src', '')))})"
            if (alt := _one_line(str(tag.get("alt", ""))))
            else ""
        )
    if name == "pre":
        return f"\n\n```\n{_fence_safe(tag.get_text())}\n```\n\n"
    if name == "code":
        return f"`{code}`" if (code := _one_line(tag.get_text())) else ""
    if name in _MARKS:
        return _marked(_children(tag, base, depth), _MARKS[name])
    if name in ("ul", "ol"):
        return _list(tag, base, depth)
    if name == "table":
        return _table(tag, base, depth)
    if name == "blockquote":
        return "\n\n" + _indented(_tidy(_children(tag, base, depth)), "> ") + "\n\n"
    text = _children(tag, base, depth)
    return f"\n\n{text}\n\n" if name in _BLOCKS else text


def _link(tag: Tag, base: str, depth: int) -> str:
    inner = _children(tag, base, depth)
    href = str(tag.get("href", "")).strip()
    text = _one_line(inner)
    if not text or not href or href.startswith(("#", "javascript:")):
        return inner
    return f"[{text}]({_absolute(base, href)})"


def _list(tag: Tag, base: str, depth: int) -> str:
    lines: list[str] = []
    for number, item in enumerate((child for child in tag.children if isinstance(child, Tag)), 1):
        mark = f"{number}. " if tag.name == "ol" else "- "
        text = _tidy(_node(item, base, depth + 1))
        if text:
            lines.append(mark + _indented(text, " " * len(mark)).lstrip())
    return "\n\n" + "\n".join(lines) + "\n\n"


def _table(tag: Tag, base: str, depth: int) -> str:
    cells = [_named(row, "td", "th") for row in _rows(tag)]
    texts = [[_one_line(_children(cell, base, depth + 3)).replace("|", "\\|") for cell in row] for row in cells]
    rows = [row for row in texts if any(row)]
    if not rows:
        return ""
    width = max(len(row) for row in rows)
    if width == 1:
        # A table for layout: its cells are paragraphs.
        return "\n\n" + "\n\n".join(row[0] for row in rows) + "\n\n"
    lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in rows]
    return "\n\n" + "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]]) + "\n\n"


def _rows(table: Tag) -> list[Tag]:
    parts = _named(table, "tr", "thead", "tbody", "tfoot")
    return [row for part in parts for row in ([part] if part.name == "tr" else _named(part, "tr"))]


def _named(tag: Tag, *names: str) -> list[Tag]:
    return [child for child in tag.children if isinstance(child, Tag) and child.name in names]


def _marked(text: str, mark: str) -> str:
    inner = text.strip()
    if not inner or "\n\n" in inner:
        return text
    before = text[: len(text) - len(text.lstrip())]
    after = text[len(text.rstrip()) :]
    return f"{before}{mark}{inner}{mark}{after}"


def _absolute(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:
        return href


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _one_line(text: str) -> str:
    return _squeezed(text).strip()


def _fence_safe(text: str) -> str:
    return text.strip("\n").replace("```", "'''")


def _indented(text: str, prefix: str) -> str:
    return "\n".join((prefix + line).rstrip() for line in text.split("\n"))


def _tidy(text: str) -> str:
    """At most one empty line between paragraphs, and no spaces where lines begin or end, except inside code blocks."""
    parts = re.split(r"(```\n.*?\n```)", text, flags=re.DOTALL)
    for index in range(0, len(parts), 2):
        part = re.sub(r"[ \t]+\n", "\n", parts[index])
        part = re.sub(r"\n (?=\S)", "\n", part)
        part = re.sub(r"(?<=\S) {2,}", " ", part)
        parts[index] = re.sub(r"\n{3,}", "\n\n", part)
    return "".join(parts).strip()
