"""The proof of which pod asks: a service-account token that kubelet projects into the sandbox."""

from __future__ import annotations

import logging
import os
from pathlib import Path

DEFAULT_TOKEN_FILE = "/var/run/secrets/matrx.dev/token"

logger = logging.getLogger("matrx_agent")


def read_token() -> str | None:
    """The token in the file that MATRX_TOKEN_FILE names, or None where there is none.

    Read anew for each request: kubelet replaces the file before the token in it expires, and a token that was kept
    would be refused after that.
    """
    path = Path(os.environ.get("MATRX_TOKEN_FILE") or DEFAULT_TOKEN_FILE)
    try:
        token = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.warning("The token file %s cannot be read (%s); the request goes without it.", path, error.strerror)
        return None
    if not token:
        return None
    if not all(0x21 <= byte <= 0x7E for byte in token):
        logger.warning("The token file %s does not hold a token; the request goes without it.", path)
        return None
    return token.decode("ascii")


def authorization() -> dict[str, str]:
    """The headers that prove which pod asks; none where it has no token (a facade without authentication needs none)."""
    token = read_token()
    return {} if token is None else {"Authorization": f"Bearer {token}"}
