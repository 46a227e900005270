"""What pages wrote to their console since it was last looked at, bounded."""

from __future__ import annotations

from collections import deque

MAX_MESSAGES = 1000
MAX_MESSAGE_CHARACTERS = 10_000


class ConsoleLog:
    """A list of messages that is emptied by reading it."""

    def __init__(self) -> None:
        self._messages: deque[str] = deque()
        self._dropped = 0

    def add(self, kind: str, text: str) -> None:
        """One more message; the oldest goes if there are too many."""
        cut = "" if len(text) <= MAX_MESSAGE_CHARACTERS else "… [cut]"
        self._messages.append(f"[{kind}] {text[:MAX_MESSAGE_CHARACTERS]}{cut}")
        if len(self._messages) > MAX_MESSAGES:
            self._messages.popleft()
            self._dropped += 1

    def drain(self) -> tuple[list[str], int]:
        """The messages since the last call, and how many before them were dropped."""
        messages, dropped = list(self._messages), self._dropped
        self.clear()
        return messages, dropped

    def clear(self) -> None:
        """Forget all messages."""
        self._messages.clear()
        self._dropped = 0
