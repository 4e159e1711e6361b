"""A proxy for HTTP/1.1 that does to requests what networks and busy services do: 429, 503, broken connections before the
request and after it was done, and slowness. Everything by one seed.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import random
from collections.abc import Awaitable, Callable

# fault: its share of all requests
SHARES = {"429": 0.006, "503": 0.02, "reset": 0.02, "lost": 0.04, "slow": 0.02}
Meddle = Callable[[str, str], Awaitable[None]]


class FaultProxy:
    """Listens on a free port and passes on to another one of this machine."""

    def __init__(self, port: int, seed: int) -> None:
        self.target = port
        self.dice = random.Random(seed)
        self.faults = False
        self.seen: collections.Counter[str] = collections.Counter()
        # may do something to what a request is about, right before the request gets there
        self.meddle: Meddle | None = None
        self.server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> "FaultProxy":
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def draw(self) -> str | None:
        if not self.faults:
            return None
        chance = self.dice.random()
        for fault, share in SHARES.items():
            if chance < share:
                return fault
            chance -= share
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self.one(reader, writer):
                pass
        writer.close()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection goes on."""
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(length(head))
        method, path, _ = head.split(b"\r\n")[0].decode().split(" ", 2)
        fault = self.draw()
        self.seen[fault or "none"] += 1
        if fault in ("429", "503"):
            reason, more = ("TooManyRequests", "retry-after: 1\r\n") if fault == "429" else ("ServiceUnavailable", "")
            text = f'{{"error":{{"code":"{reason}","message":"by the proxy"}}}}'
            writer.write(f"HTTP/1.1 {fault} X\r\ncontent-length: {len(text)}\r\n{more}\r\n{text}".encode())
            await writer.drain()
            return True
        if fault == "reset":
            writer.transport.abort()
            return False
        if fault == "slow":
            await asyncio.sleep(self.dice.uniform(0.1, 0.6))
        if self.meddle is not None:
            await self.meddle(method, path)
        answer = await self.pass_on(head, body)
        if fault == "lost":
            writer.transport.abort()
            return False
        writer.write(answer)
        await writer.drain()
        return True

    async def pass_on(self, head: bytes, body: bytes) -> bytes:
        """The answer of the target, with its length said."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 24)
        first, rest = head.split(b"\r\n", 1)
        writer.write(first + b"\r\nconnection: close\r\n" + rest + body)
        await writer.drain()
        answer = await reader.read(-1)
        writer.close()
        told, _, text = answer.partition(b"\r\n\r\n")
        lines = [line for line in told.split(b"\r\n") if not line.lower().startswith((b"connection:", b"content-length:"))]
        if not lines[0].split()[1] == b"204":
            lines.append(f"content-length: {len(text)}".encode())
        return b"\r\n".join(lines) + b"\r\n\r\n" + text

    async def close(self) -> None:
        if self.server:
            self.server.close()


def length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
