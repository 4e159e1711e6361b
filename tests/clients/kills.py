"""The server is killed (SIGKILL) again and again while programs change the graph: what was acknowledged is there.

Writers change twins and relationships over the data plane of Azure Digital Twins and over our own API, each its own ones.
A call whose answer was lost may have happened or not; so after every kill each writer looks which, and everything that was
acknowledged before must be there. Meanwhile a subscriber reads the stream of events and goes on from its last number after
each kill, and a reader fetches the lines of the event log. At the end, stream, lines and the log read anew must be the same
events without a gap, the journal must have no gap, and folding the events must give the graph.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import sqlite3
import sys
import threading
import time
import urllib.error
from collections.abc import Callable
from functools import partial
from typing import Any

from events import lines, stream
from harness import TENANT, Report, Server, arguments, checked, equal

VERSION = "api-version=2023-10-31"
VEHICLE, PACK = "dtmi:voltwin:Vehicle;1", "dtmi:voltwin:BatteryPack;1"
WRITERS = 6
TWINS = 3
#: A restart must be over by then.
BACK_WITHIN_S = 60
GONE = None
State = dict[str, Any]


class Down(Exception):
    """The connection broke: nobody knows what became of the call."""


class Client:
    """One connection that is opened anew when it breaks."""

    def __init__(self, server: Server) -> None:
        self.server, self.connection = server, http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def call(self, method: str, path: str, body: Any = None, patch: bool = False) -> tuple[int, Any]:
        kind = "application/json-patch+json" if patch else "application/json"
        headers = {"Authorization": f"Bearer {self.server.keys['admin']}", "Content-Type": kind}
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Down from error
        if answer.status >= 500:
            # it could not be made durable just now, and the server says so while it ends
            raise Down(text)
        return answer.status, json.loads(text) if text else None

    def patiently(self, method: str, path: str, body: Any = None, patch: bool = False) -> tuple[int, Any]:
        """For what may be done twice."""
        deadline = time.monotonic() + BACK_WITHIN_S
        while True:
            try:
                return self.call(method, path, body, patch)
            except Down:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


def twin_path(id_: str) -> str:
    return f"/digitaltwins/{id_}?{VERSION}"


def link_path(id_: str) -> str:
    return f"/digitaltwins/{id_}/relationships/pack?{VERSION}"


class Writer:
    """Changes its own twins: `W-w-t` has a value that only grows, and a relationship to its pack now and then."""

    def __init__(self, server: Server, number: int, seed: int, stop: threading.Event) -> None:
        self.client, self.stop, self.chance = Client(server), stop, random.Random(f"{seed}/{number}")
        self.twins: dict[str, State | None] = {f"W-{number}-{n}": GONE for n in range(TWINS)}
        self.value = 0
        self.acknowledged = self.lost = self.had_happened = 0
        self.error: BaseException | None = None
        #: Every value that was acknowledged, by twin.
        self.values: dict[str, list[int]] = {id_: [] for id_ in self.twins}

    def run(self) -> None:
        try:
            for id_ in self.twins:
                status, _ = self.client.patiently("PUT", twin_path(f"P-{id_}"), {"$metadata": {"$model": PACK}})
                equal(status, 200, "a pack")
            while not self.stop.is_set():
                self.once()
        except BaseException as error:  # noqa: BLE001
            self.error = error
            self.stop.set()

    def once(self) -> None:
        id_ = self.chance.choice(list(self.twins))
        before, what = self.twins[id_], self.chance.random()
        self.value += 1
        after: State | None
        if before is GONE:
            after = {"value": self.value, "linked": False}
            if what < 0.5:
                body: Any = {"$metadata": {"$model": VEHICLE}, "odometer_m": self.value}
                call = partial(self.client.call, "PUT", twin_path(id_), body)
            else:
                body = {"model": VEHICLE, "properties": {"odometer_m": self.value}}
                call = partial(self.client.call, "PUT", f"/api/v1/twins/{id_}", body)
        elif what < 0.45:
            after = {**before, "value": self.value}
            body = [{"op": "replace", "path": "/odometer_m", "value": self.value}]
            call = partial(self.client.call, "PATCH", twin_path(id_), body, True)
        elif what < 0.55:
            after = {**before, "value": self.value}
            body = {"properties": {"odometer_m": self.value}}
            call = partial(self.client.call, "PATCH", f"/api/v1/twins/{id_}", body)
        elif what < 0.7:
            after = {**before, "value": self.value}
            body = {"items": [{"twin": id_, "values": {"odometer_m": self.value}}]}
            call = partial(self.client.call, "POST", "/api/v1/telemetry", body)
        elif what < 0.9:
            after = {**before, "linked": not before["linked"]}
            if before["linked"]:
                call = partial(self.client.call, "DELETE", link_path(id_))
            else:
                body = {"$relationshipName": "hasPack", "$targetId": f"P-{id_}"}
                call = partial(self.client.call, "PUT", link_path(id_), body)
        elif before["linked"]:
            # our own API takes the relationships along
            after, call = GONE, partial(self.client.call, "DELETE", f"/api/v1/twins/{id_}")
        else:
            after, call = GONE, partial(self.client.call, "DELETE", twin_path(id_))
        self.settle(id_, before, after, call)

    def settle(self, id_: str, before: State | None, after: State | None, call: Callable[[], tuple[int, Any]]) -> None:
        try:
            status, answer = call()
        except Down:
            self.lost += 1
            self.look(id_, before, after)
            return
        if status >= 300 or (answer or {}).get("rejected"):
            raise AssertionError(f"{call.args}: {status} {answer}, with {before} there")
        self.acknowledged += 1
        self.twins[id_] = after
        if after is not GONE and (before is GONE or after["value"] != before["value"]):
            self.values[id_].append(after["value"])

    def look(self, id_: str, before: State | None, after: State | None) -> None:
        """After the server has come back: everything of this writer, as it must be."""
        for own in self.twins:
            found = self.found(own)
            if own != id_:
                equal(found, self.twins[own], f"{own}, acknowledged before the kill")
            elif found == after:
                self.had_happened += 1
                self.twins[own] = after
            else:
                equal(found, before, f"{own}, whose change to {after} was not acknowledged")

    def found(self, id_: str) -> State | None:
        status, twin = self.client.patiently("GET", twin_path(id_))
        if status == 404:
            return GONE
        equal(status, 200, id_)
        status, _ = self.client.patiently("GET", link_path(id_))
        return {"value": int(twin["odometer_m"]), "linked": status == 200}


class Subscriber:
    """Reads the stream, and goes on from its last number whenever it breaks."""

    def __init__(self, server: Server, stop: threading.Event) -> None:
        self.server, self.stop, self.place = server, stop, 0
        self.events: list[dict[str, Any]] = []
        self.breaks = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                for event in stream(self.server, self.place):
                    self.take(event)
                    if self.stop.is_set():
                        break
            except (OSError, http.client.HTTPException, urllib.error.URLError):
                self.breaks += 1
                time.sleep(0.02)
            except BaseException as error:  # noqa: BLE001
                self.error = error
                self.stop.set()

    def take(self, event: dict[str, Any]) -> None:
        number = int(event["sequence"])
        equal(number, self.place + 1, "the next number of the stream")
        self.place = number
        self.events.append(event)


class LineReader(Subscriber):
    """The same over the lines of the event log."""

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                found, _ = lines(self.server, self.place, wait_s=1, limit=1_000)
                for event in found:
                    self.take(event)
            except (OSError, http.client.HTTPException, urllib.error.URLError):
                self.breaks += 1
                time.sleep(0.02)
            except BaseException as error:  # noqa: BLE001
                self.error = error
                self.stop.set()


async def killed(server: Server, kills: int, seed: int) -> None:
    server.seed("admin", "viewer")
    server.start()
    Client(server).call("PUT", "/api/v1/event-log", {})
    stop, done = threading.Event(), threading.Event()
    writers = [Writer(server, number, seed, stop) for number in range(WRITERS)]
    readers = [Subscriber(server, done), LineReader(server, done)]
    threads = [threading.Thread(target=one.run, daemon=True) for one in [*writers, *readers]]
    for thread in threads:
        thread.start()
    chance, slowest, began = random.Random(seed), 0.0, time.monotonic()
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.05, 0.9))
        if stop.is_set() or done.is_set():
            break
        server.kill()
        down = time.monotonic()
        await asyncio.to_thread(server.start)
        slowest = max(slowest, time.monotonic() - down)
    await asyncio.sleep(0.5)
    stop.set()
    for thread in threads[:WRITERS]:
        await asyncio.to_thread(thread.join, 2 * BACK_WITHIN_S)
    for one in [*writers, *readers]:
        if one.error:
            raise one.error
    acknowledged, lost = sum(one.acknowledged for one in writers), sum(one.lost for one in writers)
    print(f"{kills} kills in {time.monotonic() - began:.0f} s, {acknowledged} changes acknowledged, {lost} answers lost, of "
          f"which {sum(one.had_happened for one in writers)} had happened; back after {slowest:.1f} s at most")
    for writer in writers:
        for id_, state in writer.twins.items():
            equal(await asyncio.to_thread(writer.found, id_), state, f"{id_} at the end")
    await compare_events(server, writers, readers)
    done.set()
    server.stop()
    compare_journal(server)


async def compare_events(server: Server, writers: list[Writer], readers: list[Subscriber]) -> None:
    head = await asyncio.to_thread(quiet_head, server)
    for reader in readers:
        deadline = time.monotonic() + BACK_WITHIN_S
        while reader.place < head and not reader.error and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        equal(reader.place, head, f"where the {type(reader).__name__} has come to")
    anew: list[dict[str, Any]] = []
    while len(anew) < head:
        found, _ = await asyncio.to_thread(partial(lines, server, len(anew), limit=1_000))
        anew += found
    equal([event["sequence"] for event in anew], [str(n + 1) for n in range(head)], "numbers of the event log")
    for reader in readers:
        told = [(event["sequence"], event["id"]) for event in reader.events]
        equal(told == [(event["sequence"], event["id"]) for event in anew], True, f"{type(reader).__name__} has the log")
    equal(len({event["id"] for event in anew}), head, "different events")
    states, values = fold(anew)
    for writer in writers:
        for id_, state in writer.twins.items():
            equal(states.get(id_), state, f"{id_}, folded from the events")
            told, acknowledged = values.get(id_, []), writer.values[id_]
            equal(told, sorted(told), f"values of {id_} in the events, in order")
            equal(sorted(set(acknowledged) - set(told)), [], f"acknowledged values of {id_} that no event tells")
    breaks = ", ".join(str(reader.breaks) for reader in readers)
    print(f"{head} events: the stream and the lines, broken {breaks} times, got each once and in order")


def quiet_head(server: Server) -> int:
    """The newest number, once it does not move any more."""
    before = -1
    while True:
        head = server.api().get("/event-log")["head"]
        if head == before:
            return head
        before = head
        time.sleep(0.5)


def fold(events: list[dict[str, Any]]) -> tuple[dict[str, State], dict[str, list[int]]]:
    states: dict[str, State] = {}
    values: dict[str, list[int]] = {}
    for event in events:
        id_, _, link = event["subject"].partition("/relationships/")
        kind, data = event["type"].removeprefix("Microsoft.DigitalTwins."), event["data"]
        if not id_.startswith("W-"):
            continue
        if kind == "Twin.Create":
            states[id_] = {"value": int(data["odometer_m"]), "linked": False}
        elif kind == "Twin.Update":
            for change in data["patch"]:
                if change["path"] == "/odometer_m":
                    states[id_]["value"] = int(change["value"])
        elif kind == "Twin.Delete":
            del states[id_]
        elif link and kind in ("Relationship.Create", "Relationship.Delete"):
            states[id_]["linked"] = kind == "Relationship.Create"
        if kind in ("Twin.Create", "Twin.Update"):
            values.setdefault(id_, []).append(states[id_]["value"])
    return states, values


def compare_journal(server: Server) -> None:
    """Every place has one event: rows of their own, and those of rows that hold many."""
    with sqlite3.connect(f"file:{server.data / 'voltwin.db'}?mode=ro", uri=True) as db:
        equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity of the file")
        rows, newest = db.execute("SELECT count(*), max(seq) FROM journal").fetchone()
        held, last = db.execute("SELECT coalesce(sum(count), 0), coalesce(max(last), 0) FROM telemetry").fetchone()
        tenants = db.execute("SELECT DISTINCT tenant FROM journal").fetchall()
    equal(rows + held, max(newest, last), "events in the journal, and its newest place")
    equal(tenants, [(TENANT,)], "tenants in the journal")
    print(f"{rows + held} events in the journal without a gap")


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20261127)
    args = parser.parse_args()
    report = Report()
    with Server(checked(args.voltwin)) as server:
        story = partial(killed, server, args.kills, args.seed)
        await report.run(f"{args.kills} kills under writes", story, server, within_s=120 + 10 * args.kills)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
