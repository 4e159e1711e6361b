"""Whole processes measured from outside, beside a peer in the same run, as Markdown for docs/benchmarks.md.

Closed loop: each station sends a TransactionEvent and waits for its answer before the next. Voltwin answers after the
commit that makes the event durable; the peer, a central system on the PyPI `ocpp` library, answers from memory and
keeps nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.metadata
import json
import math
import os
import platform
import re
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import live_stream
from charge_points import credentials, station
from harness import PASSWORD, TENANT, Server, arguments, checked, die_with_parent, read_line
from raw_station import Message, RawStation

WARM_UP_S = 2.0


@dataclass
class Target:
    """A running central system."""

    name: str
    url: str
    pid: int

    def rss_bytes(self) -> int:
        return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text()).group(1)) * 1024

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Figures:
    per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float
    client_cpu: float


def percentile(values: list[float], share: float) -> float:
    values = sorted(values)
    return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


async def throughput(target: Target, count: int, seconds: float) -> Figures:
    """`count` stations in closed loop for `seconds`."""
    points = [RawStation(target.url, f"BENCH-{index}", "2.0.1") for index in range(count)]
    gate = asyncio.Semaphore(50)

    async def prepare(point: RawStation) -> None:
        async with gate:
            await point.connect()
            await point.boot()
            await point.send(Message("start", RUN.number, 0, 0, 0))

    RUN.number += 1
    await asyncio.gather(*(prepare(point) for point in points))
    delays: list[float] = []
    begin = time.perf_counter() + WARM_UP_S
    end = begin + seconds

    async def drive(point: RawStation) -> None:
        seq_no = 0
        while (now := time.perf_counter()) < end:
            seq_no += 1
            await point.send(Message("update", RUN.number, seq_no, seq_no * 1_000, seq_no * 7))
            if now >= begin:
                delays.append(time.perf_counter() - now)

    gc.disable()
    tasks = [asyncio.create_task(drive(point)) for point in points]
    await asyncio.sleep(begin - time.perf_counter())
    cpu, own = target.cpu_s(), time.process_time()
    await asyncio.gather(*tasks)
    cpu, own = target.cpu_s() - cpu, time.process_time() - own
    gc.enable()
    await asyncio.gather(*(point.close() for point in points))
    return Figures(len(delays) / seconds, 1e3 * statistics.median(delays), 1e3 * percentile(delays, 0.99),
                   1e3 * max(delays), 1e6 * cpu / len(delays), own / seconds)


class RUN:
    """Transactions of later runs get other numbers."""

    number = 0


@dataclass
class Held:
    connected: int
    per_s: float
    kib: float


async def hold(target: Target, count: int) -> Held:
    """`count` idle stations after their boot: plain sockets, so that the client fits into the machine too.

    Memory per station is the growth from half of them to all, without what the first ones cost once.
    """
    gate = asyncio.Semaphore(100)
    started = time.perf_counter()

    async def one(index: int) -> Any:
        async with gate:
            return await idle_station(target.url, f"IDLE-{index}")

    half = count // 2
    writers = await asyncio.gather(*(one(index) for index in range(half)), return_exceptions=True)
    took = time.perf_counter() - started
    await asyncio.sleep(3)
    before = target.rss_bytes()
    started = time.perf_counter()
    writers += await asyncio.gather(*(one(index) for index in range(half, count)), return_exceptions=True)
    took += time.perf_counter() - started
    errors = [writer for writer in writers if isinstance(writer, BaseException)]
    if errors:
        print(f"{len(errors)} stations did not connect to {target.name}: {errors[0]!r}")
    await asyncio.sleep(3)
    connected = count - len(errors)
    kib = (target.rss_bytes() - before) / 1024 / (count - half)
    for writer in writers:
        if not isinstance(writer, BaseException):
            writer.transport.abort()
    await asyncio.sleep(2)
    return Held(connected, connected / took, kib)


async def idle_station(url: str, name: str) -> asyncio.StreamWriter:
    """A WebSocket handshake and a boot by hand; the masks are zero, which the protocol allows."""
    host, port = re.match(r"ws://([\d.]+):(\d+)", url).groups()
    reader, writer = await asyncio.open_connection(host, int(port), limit=4_096)
    token = credentials(name, PASSWORD)["Authorization"]
    writer.write(f"GET /ocpp/{name} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                 f"Sec-WebSocket-Protocol: ocpp2.0.1\r\nAuthorization: {token}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
    if not answer.startswith(b"HTTP/1.1 101"):
        writer.close()
        raise ConnectionError(answer.split(b"\r\n", 1)[0].decode())
    boot = json.dumps([2, "b", "BootNotification", {"reason": "PowerUp",
                                                    "chargingStation": {"vendorName": "x", "model": "x"}}]).encode()
    writer.write(bytes([0x81, 0x80 | 126]) + len(boot).to_bytes(2, "big") + bytes(4) + boot)
    await asyncio.wait_for(reader.readuntil(b"Accepted"), 120)
    return writer


async def stream_delay(server: Server, samples: int) -> list[float]:
    """Milliseconds from a TransactionEvent leaving the station to its power in a frame of the live stream."""
    delays = []
    async with station(server.ocpp, "BENCH-0", "2.0.1") as point, live_stream.connect(server) as stream:
        await point.boot()
        transaction = await point.begin(1, "BENCH", Decimal(0))
        for sample in range(samples):
            power = 5_000 + sample
            began = time.perf_counter()
            sending = asyncio.create_task(point.meter(transaction, Decimal(sample), power, 50))
            await stream.wait("connector", "BENCH-0:1:1", lambda row: row["power_w"] == power)
            delays.append(1e3 * (time.perf_counter() - began))
            await sending
        await point.end(transaction, Decimal(samples), "Local")
    return delays


def register(server: Server, names: list[str]) -> None:
    """Stations with one password hash for all, written straight into the registry: hashing thousands of passwords is
    not what is measured here. Connecting verifies each of them all the same."""
    server.admin("station", "add", names[0], "--tenant", TENANT, "--password", PASSWORD)
    with sqlite3.connect(server.data / "voltwin.db") as db:
        row = db.execute("SELECT * FROM stations WHERE station = ?", (names[0],))
        columns = [column[0] for column in row.description]
        values = dict(zip(columns, row.fetchone(), strict=True))
        marks = ", ".join("?" * len(columns))
        db.executemany(f"INSERT INTO stations ({', '.join(columns)}) VALUES ({marks})",
                       ([{**values, "station": name, "name": name}[column] for column in columns]
                        for name in names[1:]))


def start_peer(*args: str) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("peer_csms.py")
    return subprocess.Popen([sys.executable, str(script), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, preexec_fn=die_with_parent)


def machine() -> str:
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1)) / 2**20
    return f"{os.cpu_count()} × {model.group(1) if model else platform.machine()}, {memory:.0f} GiB, " \
           f"Linux {platform.release()}"


def versions(voltwin: Path) -> str:
    own = subprocess.run([voltwin, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("ocpp", "websockets"))
    return f"{own}; Python {platform.python_version()}, {packages}"


async def measure(target: Target, args: argparse.Namespace) -> dict[str, Any]:
    runs = {count: await throughput(target, count, args.seconds) for count in args.senders}
    held = await hold(target, args.stations)
    return {"runs": runs, "held": held}


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    lines = ["| central system | stations | events/s | p50 ms | p99 ms | max ms | server CPU µs/event | client CPU |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, result in results.items():
        for count, run in result["runs"].items():
            lines.append(f"| {name} | {count} | {run.per_s:,.0f} | {run.p50_ms:.1f} | {run.p99_ms:.1f} | {run.max_ms:.0f} "
                         f"| {run.cpu_us:.0f} | {run.client_cpu:.0%} |")
    lines += ["", "| central system | idle stations held | connect + boot per s | resident memory per station |",
              "| --- | --- | --- | --- |"]
    for name, result in results.items():
        held = result["held"]
        lines.append(f"| {name} | {held.connected:,} | {held.per_s:,.0f} | {held.kib:.1f} KiB |")
    return lines


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--stations", type=int, default=2_000, help="idle stations to hold")
    parser.add_argument("--senders", type=int, nargs="+", default=[1, 20, 200], help="stations in closed loop")
    parser.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args()
    voltwin = checked(args.voltwin)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    args.stations = min(args.stations, hard - 1_000)
    results: dict[str, dict[str, Any]] = {}
    with Server(voltwin) as server:
        server.seed("admin")
        register(server, [f"BENCH-{index}" for index in range(max(args.senders))]
                 + [f"IDLE-{index}" for index in range(args.stations)])
        server.start()
        assert server.process is not None
        name = "Voltwin (answers after the commit)"
        results[name] = await measure(Target(name, server.ocpp, server.process.pid), args)
        delays = await stream_delay(server, 200)
    peer = start_peer()
    try:
        url = read_line(peer, 20).split()[1] + "/ocpp"
        name = "PyPI `ocpp` central system (keeps nothing)"
        results[name] = await measure(Target(name, url, peer.pid), args)
    finally:
        peer.kill()
        peer.wait()
    print(f"Command: `cargo xtask bench` ({args.seconds:.0f} s a run). Machine: {machine()}. {versions(voltwin)}.\n")
    print("\n".join(table(results)))
    print("\n| from the station's frame to the live stream's frame (20 Hz) | p50 | p99 | max |\n| --- | --- | --- | --- |")
    print(f"| Voltwin, {len(delays)} meter values | {statistics.median(delays):.0f} ms "
          f"| {percentile(delays, 0.99):.0f} ms | {max(delays):.0f} ms |")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
