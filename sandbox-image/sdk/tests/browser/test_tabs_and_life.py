"""Tabs, console, and the browser's own life and death."""

from __future__ import annotations

import asyncio
import glob
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from matrx_tools import TOOL_SCHEMA_MAP, ToolResult, ToolSession, dispatch
from matrx_tools.browser import chromium, console_log
from matrx_tools.browser import session as session_module
from matrx_tools.types import ToolError

pytestmark = pytest.mark.anyio
Call = Callable[..., Awaitable[ToolResult]]
Refused = Callable[..., Awaitable[str]]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_tabs_are_listed_opened_switched_and_closed(call: Call, refused: Refused, site: Any) -> None:
    """Tabs: list, new, switch, close; page_1, page_2, …; the active one has a star [A8.9]"""
    assert (await call("BrowserTabs")).output == "No tabs are open."
    await call("BrowserNavigate", url=f"{site.url}/")
    opened = await call("BrowserTabs", action="new", url=f"{site.url}/second")
    assert opened.metadata == {"page_id": "page_2"}
    listed = (await call("BrowserTabs", action="list")).output
    assert listed == f"  page_1 Page: Form URL: {site.url}/\n* page_2 Page: Second URL: {site.url}/second"
    await call("BrowserTabs", action="switch", page_id="page_1")
    assert (await call("BrowserEvaluate", javascript="document.title")).output == "Form"
    await call("BrowserTabs", action="close", page_id="page_2")
    assert (await call("BrowserTabs")).output.startswith("* page_1")
    assert "There is no tab page_2. Open tabs: page_1" in await refused(
        "BrowserTabs", action="switch", page_id="page_2"
    )
    assert "close needs page_id" in await refused("BrowserTabs", action="close")


async def test_closing_the_active_tab_leaves_another_or_a_new_one(call: Call, site: Any, session: ToolSession) -> None:
    """After the active tab the last one is active, and after the last a new one is opened by the next use [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    await call("BrowserTabs", action="new", url=f"{site.url}/second")
    await call("BrowserTabs", action="close", page_id="page_2")
    assert session.browser.active_page_id == "page_1"
    assert "No tabs are open." in (await call("BrowserTabs", action="close", page_id="page_1")).output
    await call("BrowserNavigate", url=f"{site.url}/second")
    assert session.browser.active_page_id == "page_3"


async def test_tabs_that_pages_open_are_listed(call: Call, site: Any, session: ToolSession) -> None:
    """A link that opens a tab: it is in the list, and the active one stays [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    await call("BrowserClick", text="In a new tab")
    await until(lambda: "page_2" in session.browser.pages)
    assert session.browser.active_page_id == "page_1"
    await call("BrowserTabs", action="switch", page_id="page_2")
    await call("BrowserWaitFor", text="Here")
    await call("BrowserEvaluate", javascript="setTimeout(() => window.close(), 0)")
    await until(lambda: list(session.browser.pages) == ["page_1"])


async def test_the_console_is_drained(call: Call, refused: Refused, site: Any, session: ToolSession) -> None:
    """Console: each message once; a pattern chooses, and the others are gone [A8.9]"""
    assert (await call("BrowserConsole")).output == "No console messages."
    await call("BrowserNavigate", url=f"{site.url}/")
    assert (await call("BrowserConsole")).output == "[log] loaded"
    await call("BrowserEvaluate", javascript="console.warn('one'); console.error('two'); console.log('three')")
    await until(lambda: len(session.browser.console._messages) == 3)
    assert "is not a regular expression" in await refused("BrowserConsole", pattern="(")
    assert (await call("BrowserConsole", pattern="^.error|wo")).output == "[error] two"
    assert (await call("BrowserConsole")).output == "No console messages."


async def test_errors_and_dialogs_are_in_the_console(call: Call, site: Any, session: ToolSession) -> None:
    """An uncaught error and a dialog, which stops nothing, are told by the console [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/second")
    await call("BrowserEvaluate", javascript="setTimeout(() => { throw new Error('boom') }, 0)")
    assert (await call("BrowserEvaluate", javascript="confirm('sure?')")).output == "false"
    await until(lambda: len(session.browser.console._messages) == 2)
    output = (await call("BrowserConsole")).output
    assert "[error] Error: boom" in output and "[dialog] confirm was dismissed: sure?" in output


async def test_the_console_is_bounded(call: Call, monkeypatch: pytest.MonkeyPatch, session: ToolSession) -> None:
    """A page that writes without end fills no memory; what went is counted [A8.9]"""
    monkeypatch.setattr(console_log, "MAX_MESSAGES", 3)
    monkeypatch.setattr(console_log, "MAX_MESSAGE_CHARACTERS", 5)
    await call("BrowserEvaluate", javascript="for (let i = 0; i < 10; i++) console.log(i + ' message')")
    await until(lambda: session.browser.console._dropped == 7)
    output = (await call("BrowserConsole")).output.split("\n")
    assert output[1:] == ["[log] 7 mes… [cut]", "[log] 8 mes… [cut]", "[log] 9 mes… [cut]"]
    assert output[0].startswith("(7 earlier messages were dropped")


async def test_close_and_start_again(call: Call, site: Any, session: ToolSession) -> None:
    """Close ends the browser and forgets; the next use starts a new one [A8.9]"""
    assert (await call("BrowserClose")).output == "The browser is not running."
    await call("BrowserNavigate", url=f"{site.url}/")
    await call("BrowserEvaluate", javascript="localStorage.setItem('a', '1')")
    assert (await call("BrowserClose")).output == "The browser is closed."
    assert not session.browser.is_running and session.browser.pages == {}
    await call("BrowserNavigate", url=f"{site.url}/")
    assert (await call("BrowserEvaluate", javascript="localStorage.getItem('a')")).output == "null"
    assert list(session.browser.pages) == ["page_1"]


async def test_cookies_and_storage_stay_between_calls(call: Call, site: Any) -> None:
    """One persistent context: storage and cookies are those of the call before, in every tab [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    await call("BrowserEvaluate", javascript="localStorage.setItem('a', '1'); document.cookie = 'b=2'")
    await call("BrowserTabs", action="new", url=f"{site.url}/second")
    assert (await call("BrowserEvaluate", javascript="localStorage.getItem('a') + document.cookie")).output == "1b=2"


async def test_cleanup_leaves_no_process_and_no_profile(call: Call, session: ToolSession, site: Any) -> None:
    """cleanup() ends the browser; its profile, a temporary folder, is removed [A8.2] [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    assert session.browser._profile is not None
    profile = session.browser._profile.name
    assert profile.startswith(tempfile.gettempdir()) and _processes_of(profile)
    await session.cleanup()
    assert not os.path.exists(profile)
    await until(lambda: not _processes_of(profile))


async def test_a_browser_that_died_is_started_again(call: Call, session: ToolSession, site: Any) -> None:
    """A killed Chromium: the next use starts another [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    assert session.browser._profile is not None
    for pid in _processes_of(session.browser._profile.name):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await until(lambda: not session.browser.is_running)
    await call("BrowserNavigate", url=f"{site.url}/second")
    assert (await call("BrowserEvaluate", javascript="document.title")).output == "Second"


async def test_a_tab_that_crashed_is_not_used_again(call: Call, session: ToolSession, site: Any) -> None:
    """A crashed renderer: the tab is gone from the list, and the next use opens another [A8.9]"""
    await call("BrowserNavigate", url=f"{site.url}/")
    await dispatch("BrowserNavigate", {"url": "chrome://crash", "wait_until": "commit"}, session)
    await until(lambda: session.browser.pages == {})
    assert "page_1 has crashed" in (await call("BrowserConsole")).output
    assert (await call("BrowserNavigate", url=f"{site.url}/second")).output.startswith("Page: Second")


def _processes_of(profile: str) -> list[int]:
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if profile.encode() in Path(path).read_bytes():
                found.append(int(path.split("/")[2]))
        except OSError:
            continue
    return found


def test_which_chromium(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """MATRX_CHROMIUM, else /usr/bin/chromium, else Playwright's own [A8.9]"""
    monkeypatch.delenv("MATRX_CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "SYSTEM_CHROMIUM", str(folder / "chromium"))
    assert chromium.chromium_path() is None
    (folder / "chromium").write_text("")
    (folder / "chromium").chmod(0o755)
    assert chromium.chromium_path() == str(folder / "chromium")
    monkeypatch.setenv("MATRX_CHROMIUM", "/bin/true")
    assert chromium.chromium_path() == "/bin/true"
    for wrong in ("/nowhere", "/etc/passwd", "/etc"):
        monkeypatch.setenv("MATRX_CHROMIUM", wrong)
        with pytest.raises(ToolError, match="MATRX_CHROMIUM names"):
            chromium.chromium_path()


async def test_a_chromium_that_does_not_start_is_an_answer(
    refused: Refused, session: ToolSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that is no Chromium: an answer, and nothing is left over [A8.9]"""
    monkeypatch.setenv("MATRX_CHROMIUM", "/bin/false")
    assert "Target page, context or browser has been closed" in await refused("BrowserNavigate", url="about:blank")
    assert not session.browser.is_running and session.browser._profile is None and session.browser._playwright is None


@pytest.mark.parametrize("available", [True, False])
async def test_the_sandbox_is_off_only_where_it_cannot_be(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, folder: Path, available: bool
) -> None:
    """--no-sandbox is given only where user namespaces are not available [A8.9]"""
    note = folder / "arguments"
    fake = folder / "chromium"
    fake.write_text(f'#!/bin/sh\necho "$@" > {note}\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("MATRX_CHROMIUM", str(fake))
    monkeypatch.setattr(session_module, "can_sandbox", lambda: available)
    await refused("BrowserNavigate", url="about:blank")
    arguments = note.read_text()
    assert "--headless" in arguments and ("--no-sandbox" not in arguments) is available


def test_whether_the_sandbox_can_be_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """User namespaces: told by making one; not as root, not without unshare, not where it is forbidden [A8.9]"""
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    assert chromium.can_sandbox() is False
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000)
    for program, result in ((None, False), ("/bin/true", True), ("/bin/false", False), ("/nowhere", False)):
        monkeypatch.setattr(chromium.shutil, "which", lambda name, program=program: program)
        assert chromium.can_sandbox() is result


async def test_without_playwright_the_answer_says_what_to_install(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra `browser` is optional: without it, what to install [A8.9]"""
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    assert "matrx-sdk[browser]" in await refused("BrowserSnapshot")


async def test_nonsense_never_raises(session: ToolSession) -> None:
    """Any browser tool, any nonsense: an answer [A8.1] [A8.9]"""
    odd: list[Any] = [None, -1, float("nan"), "\0", "\ud800", [], {}, "(" * 100]
    for name in (name for name in TOOL_SCHEMA_MAP if name.startswith("Browser")):
        context = (await session.browser.page()).context
        context.set_default_timeout(100)
        context.set_default_navigation_timeout(100)
        known = list(TOOL_SCHEMA_MAP[name]["input_schema"]["properties"])
        wait = {"timeout": 50} if "timeout" in known else {}
        for value in odd:
            for tool_input in (dict.fromkeys(known, value), *({key: value} for key in known), {"surprise": value}):
                assert isinstance(await dispatch(name, {**wait, **tool_input}, session), ToolResult)


def test_the_smoke_test_passes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`matrx-tools smoke` tries all 26 tools [A8.1] [A8.9]"""
    from matrx_tools.__main__ import main

    monkeypatch.setenv("MATRX_SEARCH_URL", "")
    assert main(["smoke"]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.endswith("28 passed, 0 failed\n")
