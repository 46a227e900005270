"""What the browser's tests share: a site. Each test has a Chromium of its own."""

from __future__ import annotations

from typing import Any

import pytest

PAGE = """<!doctype html><html lang=en><head><title>Form</title></head><body>
<h1>Welcome</h1>
<form onsubmit="document.title = 'Sent ' + document.getElementById('name').value; return false">
<label>Name <input id=name value=old></label><button type=submit>Send it</button></form>
<button id=one onclick="clicks.push('one' + event.detail)" oncontextmenu="clicks.push('right'); return false">One</button>
<button style="display:none">Hidden one</button>
<a href="/second">The second page</a> <a href="/second" target=_blank>In a new tab</a>
<div id=box style="height:100px;width:100px;overflow:auto"><div style="height:5000px;width:5000px">inner</div></div>
<div style="height:3000px">long</div>
<p id=end>The end</p>
<script>var clicks = []; console.log('loaded');</script></body></html>"""


@pytest.fixture
def site(web: Any, answer: Any) -> Any:
    """A form at /, a second page, and one that is slow to show."""
    web.pages["/"] = answer(200, PAGE.encode())
    web.pages["/second"] = answer(200, b"<!doctype html><title>Second</title><p>Here")
    web.pages["/late"] = answer(
        200,
        b"<!doctype html><title>Late</title><script>setTimeout(_ => document.body.innerHTML = '<p id=p>Now it is', 300)</script>",
    )
    web.pages["/favicon.ico"] = answer(204)
    return web
