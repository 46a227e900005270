"""Tries each `host port` of its arguments over TCP, all at once; prints `host port: open, refused or silent`, in order."""

import asyncio
import sys

SECONDS = 3


async def attempt(host: str, port: str) -> str:
    try:
        _reader, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), SECONDS)
    except TimeoutError:
        return "silent"
    except OSError:
        return "refused"
    writer.close()
    return "open"


async def main() -> None:
    pairs = list(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    for (host, port), found in zip(pairs, await asyncio.gather(*(attempt(*pair) for pair in pairs)), strict=True):
        print(f"{host} {port}: {found}")


asyncio.run(main())
