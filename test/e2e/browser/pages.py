"""The pages of the facade in a real browser. Called with its URL, an API key, a sandbox's id and a folder for pictures.

Prints one JSON object; whatever is not as a person would need it ends the program with an AssertionError.
"""

import json
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

url, key, sandbox = sys.argv[1:4]
pictures = Path(sys.argv[4])
pictures.mkdir(parents=True, exist_ok=True)


def issue_ticket() -> str:
    request = urllib.request.Request(
        f"{url}/sandboxes/{sandbox}/tickets",
        data=json.dumps({"scope": "terminal", "seconds": 120}).encode(),
        headers={"X-API-Key": key, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["url"]


def shown(page: Page) -> str:
    """What stands in the terminal, as one text."""
    return page.evaluate(
        "() => [...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent).join('\\n')"
    )


def until_shown(page: Page, text: str) -> None:
    page.wait_for_function(
        "(text) => [...document.querySelectorAll('.xterm-rows > div')].some((row) => row.textContent.includes(text))",
        arg=text,
        timeout=30_000,
    )


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(args=["--no-sandbox"])
    context = browser.new_context()
    hosts, errors = set(), []

    def open_page() -> Page:
        page = context.new_page()
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        return page

    docs = open_page()
    docs.goto(f"{url}/docs")
    docs.wait_for_load_state("networkidle")
    described = json.load(urllib.request.urlopen(f"{url}/openapi.json", timeout=30))
    paths = set(described["paths"])
    # Every path that the description has can be read on the page and is linked from its contents.
    text = docs.inner_text("main")
    missing = [path for path in paths if path not in text]
    assert not missing, missing
    links = docs.eval_on_selector_all("nav a[href^='#']", "(all) => all.map((each) => each.getAttribute('href'))")
    dangling = [link for link in links if docs.query_selector(f'[id="{link[1:]}"]') is None]
    assert len(links) >= len(paths) and not dangling, dangling
    docs.screenshot(path=str(pictures / "docs.png"))
    # A narrow window, as of a telephone, needs no scrolling to the side.
    docs.set_viewport_size({"width": 390, "height": 800})
    too_wide = docs.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, too_wide
    docs.screenshot(path=str(pictures / "docs-narrow.png"))

    # By a ticket, as an app embeds it.
    terminal = open_page()
    terminal.goto(issue_ticket())
    terminal.wait_for_function("(text) => document.getElementById('status').textContent === text",
                               arg=f"Connected to {sandbox}", timeout=30_000)
    terminal.keyboard.type("echo grüße $((6 * 7)) 🙂; stty size\n")
    until_shown(terminal, "grüße 42 🙂")
    before = shown(terminal)
    terminal.set_viewport_size({"width": 700, "height": 400})
    terminal.keyboard.type("clear; stty size | tr ' ' x; echo re'sized'\n")
    until_shown(terminal, "resized")
    rows, cols = (int(number) for number in shown(terminal).split("\n")[0].split("x"))
    assert 30 < cols < 100 and 5 < rows < 30, (rows, cols)
    terminal.screenshot(path=str(pictures / "terminal.png"))
    # Ctrl-C reaches the program, and the end of the shell is told.
    terminal.keyboard.type("sleep 600\n")
    terminal.keyboard.press("Control+c")
    terminal.keyboard.type("echo inter'rupted'; exit 3\n")
    terminal.wait_for_function("() => document.getElementById('status').textContent === 'Ended with exit code 3'",
                               timeout=30_000)

    # By a key that a person types in.
    asked = open_page()
    asked.goto(f"{url}/sandboxes/{sandbox}/terminal")
    asked.fill("#key", "wrong")
    asked.click("button")
    asked.wait_for_function("() => /key/.test(document.getElementById('status').textContent)", timeout=30_000)
    asked.wait_for_selector("#login:not([hidden])", timeout=30_000)
    expected = len(errors)
    asked.fill("#key", key)
    asked.click("button")
    until_shown(asked, "$")
    assert key not in asked.url and key not in asked.content()

    # The browser itself tells of the refused connection; nothing else went wrong.
    unexpected = [error for error in errors[:expected] if "WebSocket" not in error] + errors[expected:]
    assert not unexpected, unexpected
    assert hosts == {urlsplit(url).netloc}, hosts
    print(json.dumps({"paths": len(paths), "links": len(links), "terminal": [rows, cols], "before": before[:80]}))
