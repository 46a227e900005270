# shellcheck shell=bash
# What `full` has on top of `core`: a browser, driven by Playwright, which finds it where it looks by itself.

check chromium chromium --version
check 'Playwright drives Chromium' python3 /opt/sandbox/smoke.d/chromium.py
