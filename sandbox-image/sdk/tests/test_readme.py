"""The README's examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parent.parent / "README.md"


def test_the_examples_run(
    web: Any, answer: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each Python block of the README (the browser's is run in tests/browser) [A7.2] [A8.1]"""
    web.pages["/sandboxes/sbx-1/heartbeat"] = answer(200)
    web.pages["/sandboxes/sbx-1/complete"] = answer(200)
    for name, value in {"SANDBOX_ID": "sbx-1", "ORCHESTRATOR_URL": web.url, "HOT_PATH": str(folder)}.items():
        monkeypatch.setenv(name, value)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        if "Browser" not in block:
            exec(compile(block, str(README), "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == f"sbx-1 {folder} /data/cold\n26 success hello\n"
    assert [request.path for request in web.requests] == ["/sandboxes/sbx-1/heartbeat", "/sandboxes/sbx-1/complete"]
