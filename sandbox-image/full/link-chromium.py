"""Puts Debian's Chromium where Playwright looks for the browsers that it would download.

So `playwright.chromium.launch()` works as everywhere, in programs that know nothing of this image. Where Playwright looks
depends on its version and the processor; it says so itself.
"""

import re
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")

with sync_playwright() as playwright:
    places = [playwright.chromium.executable_path]
    try:
        playwright.chromium.launch()
    except Error as error:
        missing = re.search(r"Executable doesn't exist at (\S+)", error.message)
        if missing is None:
            raise
        places.append(missing[1])

for place in map(Path, places):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(CHROMIUM)
    print(f"{place} -> {CHROMIUM}")
