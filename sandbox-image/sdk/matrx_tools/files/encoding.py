"""Which text a file holds, if it holds text: told from its first bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

HEAD_BYTES = 8192
BOM = "\ufeff"


@dataclass(frozen=True)
class TextEncoding:
    """A codec and what it does with bytes that are not of it; the two round-trip every byte."""

    codec: str
    errors: str

    def decode(self, data: bytes) -> str:
        """The text, with a byte-order mark (if there is one) as its first character."""
        return data.decode(self.codec, self.errors)

    def encode(self, text: str) -> bytes:
        """The bytes; what `decode` could not read comes out as it went in."""
        return text.encode(self.codec, self.errors)


UTF_8 = TextEncoding("utf-8", "surrogateescape")


def text_encoding(head: bytes) -> TextEncoding | None:
    """The encoding of a file that begins with `head`, or None for a binary file. As in git, a NUL makes it binary."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return None
    if head.startswith(codecs.BOM_UTF16_LE):
        return TextEncoding("utf-16-le", "surrogatepass")
    if head.startswith(codecs.BOM_UTF16_BE):
        return TextEncoding("utf-16-be", "surrogatepass")
    return None if b"\0" in head[:HEAD_BYTES] else UTF_8


_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


def visible(text: str) -> tuple[str, bool]:
    r"""`text` with each byte that is no UTF-8 as \xNN, and whether there was one."""
    shown, count = _ESCAPED_BYTE.subn(lambda match: f"\\x{ord(match.group()) - 0xDC00:02x}", text)
    return shown, count > 0
