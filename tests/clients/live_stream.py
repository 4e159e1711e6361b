"""A reader of `/live` written from docs/live-stream.md alone, so that it checks the document as well."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import websockets

from harness import Server

MAGIC = 0x31575456
TOPICS = {1: "station", 2: "connector", 3: "vehicle"}
SNAPSHOT, DELTA, APPEND = 1, 2, 3
COLUMNS: dict[str, list[tuple[str, str]]] = {
    "station": [("at_ms", "I"), ("lat_e7", "i"), ("lon_e7", "i"), ("power_w", "i"), ("max_power_w", "i"),
                ("level", "B"), ("status", "B"), ("protocol", "B"), ("alarm", "B"), ("connectors", "B"),
                ("in_use", "B"), ("faulted", "B"), ("flags", "B")],
    "connector": [("at_ms", "I"), ("station", "I"), ("power_w", "i"), ("max_power_w", "i"), ("energy_wh", "I"),
                  ("soc_e4", "H"), ("voltage_dv", "H"), ("current_da", "h"), ("evse", "B"), ("connector", "B"),
                  ("kind", "B"), ("status", "B")],
    "vehicle": [("at_ms", "I"), ("lat_e7", "i"), ("lon_e7", "i"), ("power_w", "i"), ("connector", "I"),
                ("heading_cdeg", "H"), ("speed_cmps", "H"), ("soc_e4", "H"), ("status", "B"), ("flags", "B")],
}


class Stream:
    """The rows of each topic as the newest frames leave them."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.ids: dict[str, list[str]] = {topic: [] for topic in COLUMNS}
        self.rows: dict[str, list[dict[str, int]]] = {topic: [] for topic in COLUMNS}
        self.next_sequence: dict[str, int | None] = dict.fromkeys(COLUMNS)
        self.changed = asyncio.Condition()

    async def listen(self) -> None:
        async for message in self.socket:
            if isinstance(message, bytes):
                self.take(message)
                async with self.changed:
                    self.changed.notify_all()
            else:
                body = json.loads(message)
                if body["type"] == "error":
                    raise AssertionError(f"the stream says: {body['detail']}")

    def take(self, frame: bytes) -> None:
        header = struct.unpack_from("<IBBBBIIIIQq", frame)
        magic, version, kind, code, flags, _epoch, count, base, sequence, _journal, _server_us = header
        assert (magic, version, flags) == (MAGIC, 1, 0), header
        topic = TOPICS[code]
        expected = self.next_sequence[topic]
        assert expected is None or sequence == expected, f"{topic}: frame {sequence} after {expected}"
        self.next_sequence[topic] = sequence + 1
        at = 40

        def column(form: str, length: int) -> tuple[int, ...]:
            nonlocal at
            values = struct.unpack_from(f"<{length}{form}", frame, at)
            at += (struct.calcsize(form) * length + 3) // 4 * 4
            return values

        places = column("I", count) if kind == DELTA else range(base, base + count)
        values = {name: column(form, count) for name, form in COLUMNS[topic]}
        rows = [{name: values[name][index] for name in values} for index in range(count)]
        if kind == DELTA:
            for place, row in zip(places, rows, strict=True):
                self.rows[topic][place] = row
            return
        offsets = column("I", count + 1)
        text = frame[at:]
        ids = [text[offsets[index]:offsets[index + 1]].decode() for index in range(count)]
        if kind == SNAPSHOT:
            self.rows[topic], self.ids[topic] = rows, ids
        else:
            assert kind == APPEND and base == len(self.rows[topic]), (kind, base, len(self.rows[topic]))
            self.rows[topic] += rows
            self.ids[topic] += ids

    def find(self, topic: str, name: str) -> dict[str, int] | None:
        try:
            return self.rows[topic][self.ids[topic].index(name)]
        except ValueError:
            return None

    async def wait(self, topic: str, name: str, wanted: Callable[[dict[str, int]], bool], within_s: float = 5) -> None:
        def arrived() -> bool:
            row = self.find(topic, name)
            return row is not None and wanted(row)

        async with self.changed:
            try:
                await asyncio.wait_for(self.changed.wait_for(arrived), within_s)
            except TimeoutError:
                raise AssertionError(f"{topic} {name} stayed {self.find(topic, name)} for {within_s} s") from None

    async def row(self, topic: str, name: str, within_s: float = 5) -> dict[str, int]:
        await self.wait(topic, name, lambda _: True, within_s)
        row = self.find(topic, name)
        assert row is not None
        return row


@contextlib.asynccontextmanager
async def connect(server: Server, topics: tuple[str, ...] = ("station", "connector"), hz: float = 20,
                  role: str = "admin") -> AsyncIterator[Stream]:
    """A subscribed stream; an error while it listens ends the block."""
    headers = {"Authorization": f"Bearer {server.keys[role]}"}
    async with websockets.connect(f"ws://127.0.0.1:{server.port}/live", additional_headers=headers, proxy=None,
                                  max_size=64 * 2**20) as socket:
        hello = json.loads(await asyncio.wait_for(socket.recv(), 10))
        assert (hello["type"], hello["protocol"]) == ("hello", 1), hello
        await socket.send(json.dumps({"op": "subscribe", "topics": list(topics), "hz": hz}))
        stream = Stream(socket)
        listening = asyncio.create_task(stream.listen())
        try:
            yield stream
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
