"""The README's browser example runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent.parent / "README.md"


def test_the_browser_example_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python block of the README that uses the browser [A8.9]"""
    monkeypatch.setenv("HOT_PATH", str(folder))
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if "Browser" in block)
    exec(compile(block, str(README), "exec"), {"__name__": "example"})
    assert '- heading "Hello" [level=1]' in capsys.readouterr().out
