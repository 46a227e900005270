"""A page in Debian's Chromium by Playwright, with nothing said about where the browser is."""

from playwright.sync_api import sync_playwright

PAGE = "<title>smoke</title><button onclick=\"document.title = 'clicked'\">Press</button>"

with sync_playwright() as playwright:
    browser = playwright.chromium.launch()
    page = browser.new_page()
    page.set_content(PAGE)
    page.get_by_role("button", name="Press").click()
    assert page.title() == "clicked", page.title()
    assert page.screenshot().startswith(b"\x89PNG"), "no PNG"
    browser.close()
