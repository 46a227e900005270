"""What a command writes, in bounded memory."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections import deque
from collections.abc import AsyncIterator

CHUNK = 65536


class OutputPipe:
    """A pipe that a process gets as stdout and stderr, and that we read.

    Our own pipe, not asyncio's: with that, waiting for a process also waits until everything it has left running closes
    the pipe, so `server &` would hang the call.
    """

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()

    def close_write_end(self) -> None:
        """Once the process has it: our copy would keep the pipe open for ever."""
        os.close(self.write_end)

    def abandon(self) -> None:
        """Close both ends: no process has got it."""
        os.close(self._read_end)
        os.close(self.write_end)

    async def chunks(self) -> AsyncIterator[bytes]:
        """What is written, until the last writer is gone."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=CHUNK, loop=loop)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader, loop=loop), os.fdopen(self._read_end, "rb", buffering=0)
        )
        try:
            while chunk := await reader.read(CHUNK):
                yield chunk
        finally:
            transport.close()


class HeadAndTail:
    """The beginning and the end of a text of any length: an error stands at the end, what led to it at the beginning."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._half = limit // 2
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._head = ""
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._size = 0

    def add(self, data: bytes) -> None:
        """The next bytes."""
        self._add_text(self._decoder.decode(data))

    def _add_text(self, text: str) -> None:
        self._size += len(text)
        room = self._half - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        if not text:
            return
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size - len(self._tail[0]) >= self._half:
            self._tail_size -= len(self._tail.popleft())

    def text(self) -> str:
        """The whole text, or its two ends with a note of what is missing between them."""
        self._add_text(self._decoder.decode(b"", final=True))
        if self._size <= self._limit:
            return self._head + "".join(self._tail)
        tail = "".join(self._tail)[-self._half :]
        missing = self._size - len(self._head) - len(tail)
        note = f"[output truncated at {self._limit} characters: {missing} left out here]"
        return f"{self._head}\n\n{note}\n\n{tail}"


class LineBuffer:
    """The lines that were not fetched yet; the oldest are dropped, and counted, when there are too many."""

    def __init__(self, max_characters: int, max_line: int) -> None:
        self._max_characters = max_characters
        self._max_line = max_line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lines: deque[str] = deque()
        self._size = 0
        self._partial = ""
        self._dropped = 0

    def add(self, data: bytes) -> None:
        """The next bytes. A line without an end is kept back until it has one, or is too long to wait for."""
        *whole, self._partial = (self._partial + self._decoder.decode(data)).split("\n")
        for line in whole:
            self._add_line(line)
        while len(self._partial) > self._max_line:
            self._add_line(self._partial[: self._max_line])
            self._partial = self._partial[self._max_line :]

    def end(self) -> None:
        """Nothing more will come."""
        rest = self._partial + self._decoder.decode(b"", final=True)
        self._partial = ""
        if rest:
            self._add_line(rest)

    def _add_line(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line) + 1
        while self._size > self._max_characters:
            self._size -= len(self._lines.popleft()) + 1
            self._dropped += 1

    def take(self) -> tuple[list[str], int]:
        """The lines since the last call, and how many before them were dropped."""
        lines, dropped = list(self._lines), self._dropped
        self._lines.clear()
        self._size = 0
        self._dropped = 0
        return lines, dropped
