"""The 13 Browser tools, on one headless Chromium a session."""
