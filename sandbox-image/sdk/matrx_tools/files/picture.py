"""Pictures, by what they are and not by what they are called: a model API refuses a whole conversation over one wrong type."""

from __future__ import annotations

import os

from matrx_tools.files.open_file import read_bounded
from matrx_tools.types import ImageData, ToolError

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".svg", ".ico"})
MAX_BYTES = 20 * 1024 * 1024


def media_type(data: bytes) -> str | None:
    """The media type of a picture, from its first bytes."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"BM"):
        return "image/bmp"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith(b"\0\0\1\0"):
        return "image/x-icon"
    if b"<svg" in data[:4096]:
        return "image/svg+xml"
    return None


def read_picture(path: str) -> tuple[ImageData, int]:
    """The picture at `path` and its size in bytes. Raises ToolError."""
    data = read_bounded(path, MAX_BYTES, "Make it smaller first, for example with Python.")
    found = media_type(data)
    if found is None:
        extension = os.path.splitext(path)[1]
        what = "is empty" if not data else f"is called {extension} but does not hold such a picture"
        raise ToolError(f"{path} {what}. Look at it with Bash: file {path}")
    return ImageData.of(found, data), len(data)
