"""Answers every connection to the TCP ports of its arguments, on all addresses of both families, with a line."""

import asyncio
import sys


async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"reached\n")
    await writer.drain()
    writer.close()


async def main() -> None:
    for port in sys.argv[1:]:
        await asyncio.start_server(answer, None, int(port))
    print("listens", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
