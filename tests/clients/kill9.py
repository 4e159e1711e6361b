"""Acknowledged means durable: stations send transactions while the server is killed again and again.

A message that was answered is never sent again, so one that the server forgot would be missing at the end; a message
whose answer was lost is sent again, so one that the server took twice would be there twice. At the end the registry,
read through the API and straight from its SQLite file, holds every event exactly once and every Wh.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from charge_points import SUBPROTOCOLS
from harness import TENANT, Report, Server, api_call, arguments, checked, equal
from raw_station import Lost, Message, RawStation, Refused

PHASES = {"start": 0, "update": 1, "stop": 2}


@dataclass
class Ledger:
    """What one station sent and has an answer for."""

    station: RawStation
    random: random.Random
    acknowledged: list[Message] = field(default_factory=list)
    resent: int = 0
    refused: list[str] = field(default_factory=list)
    at_ms: int = 0
    meter_wh: int = 0


class Crowd:
    """All stations, until they are told to finish."""

    def __init__(self, server: Server, count: int, seed: int) -> None:
        versions = list(SUBPROTOCOLS)
        self.server = server
        self.finish = asyncio.Event()
        self.ledgers = [
            Ledger(RawStation(server.ocpp, f"CRASH-{index:02}", versions[index % 3]), random.Random(seed + index),
                   meter_wh=index * 1_000)
            for index in range(count)
        ]

    def acknowledged(self) -> int:
        return sum(len(ledger.acknowledged) for ledger in self.ledgers)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for ledger in self.ledgers:
                group.create_task(self.live(ledger))

    async def live(self, ledger: Ledger) -> None:
        """One transaction after the other; the last one is brought to its end."""
        await self.reconnect(ledger, first=True)
        number = 0
        while not self.finish.is_set():
            await self.transact(ledger, number)
            number += 1
        await ledger.station.close()

    async def transact(self, ledger: Ledger, number: int) -> None:
        updates = ledger.random.randint(1, 6)
        kinds = ["start", *["update"] * updates, "stop"]
        for seq_no, kind in enumerate(kinds):
            if kind != "start":
                ledger.meter_wh += ledger.random.randint(1, 900)
            ledger.at_ms += ledger.random.randint(1_000, 60_000)
            message = Message(kind, number, seq_no, ledger.at_ms, ledger.meter_wh)
            await self.deliver(ledger, message)
            await asyncio.sleep(ledger.random.uniform(0, 0.05))

    async def deliver(self, ledger: Ledger, message: Message) -> None:
        """Sends until it is answered, in order, as a station with a queue does."""
        while True:
            try:
                await ledger.station.send(message)
            except Lost:
                ledger.resent += 1
                await self.reconnect(ledger)
                continue
            except Refused as error:
                # The server could not make it durable just now and says so: the station keeps it.
                ledger.refused.append(str(error))
                if len(ledger.refused) > 50:
                    raise
                await asyncio.sleep(0.2)
                continue
            ledger.acknowledged.append(message)
            return

    async def reconnect(self, ledger: Ledger, first: bool = False) -> None:
        while True:
            try:
                await ledger.station.close()
                await ledger.station.connect()
                # Stations boot when they have power again, not when the network has: half of them do both.
                if first or ledger.random.random() < 0.5:
                    await ledger.station.boot()
                return
            except Lost:
                await asyncio.sleep(ledger.random.uniform(0.05, 0.2))


async def crash(server: Server, crowd: Crowd, kills: int, dice: random.Random) -> None:
    """Lets the crowd get some answers, then kills; every third time something half written is left behind."""
    for kill in range(kills):
        goal = crowd.acknowledged() + dice.randint(5, 150)
        for _ in range(400):
            if crowd.acknowledged() >= goal:
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(dice.uniform(0, 0.03))
        server.kill()
        if kill % 3 == 2:
            tear(server, dice)
        server.start()


def tear(server: Server, dice: random.Random) -> None:
    """A write that was under way when the power went: part of a WAL frame that nobody was told of."""
    wal = server.data / "voltwin.db-wal"
    if wal.exists() and wal.stat().st_size:
        with wal.open("ab") as file:
            file.write(dice.randbytes(dice.randint(1, 4_000)))


async def killed_again_and_again(server: Server, count: int, kills: int, seed: int) -> None:
    server.seed("admin")
    server.start()
    crowd = Crowd(server, count, seed)
    api = server.api()
    for ledger in crowd.ledgers:
        await api_call(api.add_station, ledger.station.name)
    running = asyncio.create_task(crowd.run())
    killing = asyncio.create_task(crash(server, crowd, kills, random.Random(seed)))
    done, _ = await asyncio.wait({running, killing}, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    crowd.finish.set()
    await running
    resent = sum(ledger.resent for ledger in crowd.ledgers)
    refused = sum(len(ledger.refused) for ledger in crowd.ledgers)
    print(f"{kills} kills, {crowd.acknowledged()} events acknowledged, {resent} answers lost, {refused} refused")
    await api_call(compare_api, server, crowd)
    server.stop()
    compare_store(server, crowd)


def expected_transactions(crowd: Crowd) -> dict[tuple[str, str], list[Message]]:
    expected: dict[tuple[str, str], list[Message]] = {}
    for ledger in crowd.ledgers:
        for message in ledger.acknowledged:
            key = (ledger.station.name, ledger.station.transaction_id(message.number))
            expected.setdefault(key, []).append(message)
    return expected


def compare_api(server: Server, crowd: Crowd) -> None:
    expected = expected_transactions(crowd)
    found = {(item["station"], item["transaction_id"]): item for item in server.api().pages("/transactions")}
    equal(sorted(set(found) - set(expected)), [], "transactions that no station had")
    equal(sorted(set(expected) - set(found)), [], "transactions that are missing")
    wrong = []
    for key, messages in expected.items():
        energy = messages[-1].meter_wh - messages[0].meter_wh
        item = found[key]
        told = (item["events"], Decimal(item["energy_wh"]), item["state"], item["flags"])
        if told != (len(messages), Decimal(energy), "ended", []):
            wrong.append(f"{key}: {told}, sent {len(messages)} events and {energy} Wh")
    equal(wrong, [], "transactions that differ")
    total = sum((Decimal(item["energy_wh"]) for item in found.values()), Decimal(0))
    sent = sum(messages[-1].meter_wh - messages[0].meter_wh for messages in expected.values())
    equal(total, Decimal(sent), "energy in all, Wh")
    print(f"{len(found)} transactions, {total} Wh, each exactly once through the API")


def compare_store(server: Server, crowd: Crowd) -> None:
    expected = expected_transactions(crowd)
    with sqlite3.connect(f"file:{server.data / 'voltwin.db'}?mode=ro", uri=True) as db:
        equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity of the file")
        recorded = db.execute("SELECT station, transaction_id, phase, count(*) FROM transaction_events"
                              " WHERE tenant = ? GROUP BY 1, 2, 3", (TENANT,)).fetchall()
        journal = db.execute("SELECT count(*), count(DISTINCT seq) FROM journal WHERE kind = 'transaction'").fetchone()
    counted: dict[tuple[str, str, int], int] = {}
    for (station, transaction), messages in expected.items():
        for message in messages:
            key = (station, transaction, PHASES[message.kind])
            counted[key] = counted.get(key, 0) + 1
    equal({tuple(row[:3]): row[3] for row in recorded}, counted, "rows of transaction_events")
    events = sum(counted.values())
    equal(journal, (events, events), "transaction events in the journal")
    print(f"{events} events, each exactly once in the registry and in the journal")


async def torn_log(voltwin: Path) -> None:
    """A log cut short: the server starts, and what it holds is what came first, with no hole."""
    with Server(voltwin) as server:
        await charge_some(server, "TORN", 40)
        server.kill()
        wal = server.data / "voltwin.db-wal"
        size = wal.stat().st_size
        with wal.open("ab") as file:
            file.truncate(size - 2_500)
        server.start()
        items = (await api_call(server.api().get, "/transactions", station="TORN"))["items"]
        kept = items[0]["events"] if items else 0
        assert 0 < kept <= 40, f"{kept} of 40 events"
        energy = Decimal(items[0]["energy_wh"])
        equal(energy, Decimal((kept - 1) * 100), f"energy of the first {kept} events")
        equal(items[0]["flags"], [], "flags")
        point = RawStation(server.ocpp, "TORN", "2.0.1")
        await point.connect()
        for seq_no in range(kept, 45):
            await point.send(Message("update", 0, seq_no, seq_no * 1_000, seq_no * 100))
        await point.close()
        item = (await api_call(server.api().get, "/transactions", station="TORN"))["items"][0]
        equal((item["events"], item["flags"]), (45, []), "after the station has sent the rest again")


async def charge_some(server: Server, name: str, events: int) -> None:
    server.seed("admin")
    server.start()
    await api_call(server.api().add_station, name)
    point = RawStation(server.ocpp, name, "2.0.1")
    await point.connect()
    await point.boot()
    for seq_no in range(events):
        await point.send(Message("update" if seq_no else "start", 0, seq_no, seq_no * 1_000, seq_no * 100))
    await point.close()


async def second_process(voltwin: Path) -> None:
    """Two servers on one folder would be two writers: the second says so and ends."""
    with Server(voltwin) as server:
        server.seed("admin")
        server.start()
        # Once it answers it has logged all that it has to say, and what follows is the second one's.
        await api_call(server.api().get, "/stations")
        port, server.port = server.port, 0
        log_size = server.log.stat().st_size
        second = server.spawn()
        code = await asyncio.to_thread(second.wait, 30)
        server.port = port
        said = server.log.read_bytes()[log_size:].decode().strip().splitlines()
        assert code in (1, 2), f"exit code {code}"
        equal(len(said), 1, f"lines on standard error ({said})")
        assert second.stdout is not None
        equal(second.stdout.read(), "", "standard output")
        equal((await api_call(server.api().get, "/stations"))["items"], [], "the first server still answers")


def mount_small(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    except FileNotFoundError:
        return False


async def full_disk(voltwin: Path, folder: Path) -> None:
    """With no room left nothing is acknowledged, reading goes on; with room again everything goes on."""
    with Server(voltwin, folder / "data") as server:
        await charge_some(server, "FULL", 5)
        point = RawStation(server.ocpp, "FULL", "2.0.1")
        await point.connect()
        ballast = folder / "ballast"
        fill(ballast)
        seq_no = await until_refused(point, 5)
        api = server.api()
        item = (await api_call(api.get, "/transactions", station="FULL"))["items"][0]
        equal(item["events"], seq_no, "events while the disk is full: the acknowledged ones and no other")
        equal(len((await api_call(api.get, "/stations"))["items"]), 1, "reading while the disk is full")
        ballast.unlink()
        await until_accepted(point, seq_no)
        for later in range(seq_no + 1, seq_no + 6):
            await point.send(Message("update", 0, later, later * 1_000, later * 100))
        await point.close()
        item = (await api_call(api.get, "/transactions", station="FULL"))["items"][0]
        equal((item["events"], item["flags"]), (seq_no + 6, []), "events after there was room again")
        server.kill()
        server.start()
        item = (await api_call(api.get, "/transactions", station="FULL"))["items"][0]
        equal(item["events"], seq_no + 6, "events after a crash")


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                if file.write(b"\0" * 65_536) < 65_536:
                    return
        except OSError:
            return


async def until_refused(point: RawStation, first: int) -> int:
    """Sends until the server refuses; the number of acknowledged events. Some fit into room already reserved."""
    for seq_no in range(first, first + 5_000):
        try:
            await point.send(Message("update", 0, seq_no, seq_no * 1_000, seq_no * 100), within_s=20)
        except (Refused, Lost) as error:
            print(f"event {seq_no} was not acknowledged: {error}")
            return seq_no
    raise AssertionError("5,000 events were acknowledged on a full disk")


async def until_accepted(point: RawStation, seq_no: int) -> None:
    for _ in range(60):
        try:
            await connected(point)
            await point.send(Message("update", 0, seq_no, seq_no * 1_000, seq_no * 100), within_s=10)
            return
        except (Refused, Lost):
            await asyncio.sleep(0.5)
    raise AssertionError("there is room again for 30 s and the server still refuses")


async def connected(point: RawStation) -> None:
    await point.close()
    await point.connect()


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--stations", type=int, default=50)
    parser.add_argument("--kills", type=int, default=21)
    parser.add_argument("--seed", type=int, default=20261121)
    args = parser.parse_args()
    voltwin = checked(args.voltwin)
    report = Report()
    with Server(voltwin) as server:
        crowd: Any = partial(killed_again_and_again, server, args.stations, args.kills, args.seed)
        await report.run(f"{args.stations} stations, {args.kills} kills", crowd, server, within_s=300)
    await report.run("a log cut short", partial(torn_log, voltwin))
    await report.run("a second process on one data folder", partial(second_process, voltwin))
    folder = Path(tempfile.mkdtemp(prefix="voltwin-full-"))
    try:
        if mount_small(folder):
            await report.run("a full disk", partial(full_disk, voltwin, folder))
        else:
            report.skip("a full disk", "mounting a small tmpfs needs root")
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
