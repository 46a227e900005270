"""HTML as Markdown."""

from __future__ import annotations

import pytest

from matrx_tools.web.readable import readable


def markdown(html: str) -> str:
    return readable(html, "http://host/dir/page").markdown


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>A</h1><h2>B <i>c</i></h2>", "# A\n\n## B *c*"),
        ("<p>one\n two</p><p>three<br>four</p>", "one two\n\nthree\nfour"),
        ("<b>bold</b> <strong> and </strong><em>em</em><del>no</del>", "**bold** **and** *em*~~no~~"),
        ("<a href='x?a=1'>link</a> <a href='#top'>top</a> <a>none</a>", "[link](http://host/dir/x?a=1) top none"),
        ("<a href='javascript:x()'>click</a>", "click"),
        ("<a href='http://[x'>odd</a>", "[odd](http://[x)"),
        ("<img src=a.png alt='A picture'><img src=b.png>", "![A picture](http://host/dir/a.png)"),
        ("<ul><li>one<li>two<ul><li>deep</ul></ul>", "- one\n- two\n\n  - deep"),
        ("<ol><li>one</li><li><p>two</p><p>more</p></li></ol>", "1. one\n2. two\n\n   more"),
        ("<pre>a\n  b\n\n\n\nc</pre>", "```\na\n  b\n\n\n\nc\n```"),
        ("use <code>x = 1</code>", "use `x = 1`"),
        ("<blockquote><p>one</p><p>two</p></blockquote>", "> one\n>\n> two"),
        ("<table><tr><th>A<th>B<tr><td>1<td>2|3</table>", "| A | B |\n| --- | --- |\n| 1 | 2\\|3 |"),
        ("<table><tr><td><p>layout</p></td></tr></table>", "layout"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("<script>x</script><style>y</style><noscript>z</noscript><p hidden>h</p><!-- c -->text", "text"),
        ("<div><div>one</div><div>two</div></div>", "one\n\ntwo"),
        ("&lt;tag&gt; &amp; &auml;", "<tag> & ä"),
        ("<base href='http://other/'><a href=x>y</a>", "[y](http://other/x)"),
        ("", ""),
        ("<p>   </p><h1></h1><ul></ul><table></table>", ""),
    ],
)
def test_html_as_markdown(html: str, text: str) -> None:
    """What a person would read of a page [A8.8]"""
    assert markdown(html) == text


def test_the_title() -> None:
    """The title is squeezed to a line [A8.8]"""
    assert readable("<title> A\n page </title>x", "http://host/").title == "A page"


@pytest.mark.parametrize("tag", ["div", "ul><li", "blockquote", "b", "table><tr><td", "span"])
def test_no_nesting_is_too_deep(tag: str) -> None:
    """A page of 20,000 nested elements is read all the same: recursion had ended in an exception"""
    assert "deep" in markdown(f"<{tag}>" * 20_000 + "deep")


@pytest.mark.parametrize(
    "html",
    [
        "<",
        "<a " * 100_000,
        "<!",
        "<![CDATA[x",
        "<!doctype",
        "<a <b <c",
        "\0\x01",
        "</p></p>",
        "<p/" * 1000,
        "&#xffffffff;",
    ],
)
def test_broken_html_is_read(html: str) -> None:
    """No HTML is an exception [A8.8]"""
    assert isinstance(markdown(html), str)
