"""A server in lenient, and stations that say everything wrong once: each fault is answered and filed with its field."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from harness import Report, Server, api_call
from raw_station import RawStation
from schemas import FOLDERS, Fault, Schema

# A station files 30 breaches a minute, and one frame may be several.
FAULTS_PER_STATION = 12
STATIONS_AT_ONCE = 8
ANSWER_WITHIN_S = 60
# What the server takes of one frame; what is longer ends the connection, in any policy.
FRAME_BYTES_MAX = 65_536
COMMON = {"NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "GenericError",
          "PropertyConstraintViolation", "TypeConstraintViolation"}
CODES = {"1.6": COMMON | {"FormationViolation", "OccurenceConstraintViolation"},
         "2.0.1": COMMON | {"FormatViolation", "OccurrenceConstraintViolation"},
         "2.1": COMMON | {"FormatViolation", "OccurrenceConstraintViolation"}}


class LenientServer(Server):
    """`voltwin serve --validation lenient`."""

    def spawn(self, *more: str) -> subprocess.Popen[str]:
        return super().spawn("--validation", "lenient", *more)


async def run(report: Report, voltwin: Path, faults: list[tuple[Schema, Fault]]) -> None:
    """One test a version."""
    with LenientServer(voltwin) as server:
        server.seed("admin")
        server.start()
        for version in FOLDERS:
            mine = [(schema, fault) for schema, fault in faults if schema.version == version]
            test = partial(all_answered, server, version, mine)
            await report.run(f"each single fault of a station over a socket in lenient, OCPP {version}", test, server,
                             within_s=500)


def known_actions(voltwin: Path) -> list[dict[str, Any]]:
    """Every message of every version, by `voltwin ocpp actions`."""
    done = subprocess.run([str(voltwin), "ocpp", "actions"], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


async def all_answered(server: Server, version: str, faults: list[tuple[Schema, Fault]]) -> None:
    # what stations may send, as the server says itself, each kind of fault at each place once
    from_stations = {item["action"]: item["answered"] for item in known_actions(server.voltwin)
                     if item["version"] == version and item["from"] != "system"}
    once: dict[tuple[str, str, str], tuple[Schema, Fault]] = {}
    for schema, fault in faults:
        if schema.kind == "request" and schema.action in from_stations:
            once.setdefault((schema.action, fault.what, fault.field), (schema, fault))
    chosen = [pair for pair in once.values() if len(frame_of(0, *pair, sends=set())) <= FRAME_BYTES_MAX]
    print(f"   {len(once) - len(chosen)} faults are longer than a frame may be")
    batches = [chosen[i:i + FAULTS_PER_STATION] for i in range(0, len(chosen), FAULTS_PER_STATION)]
    sends = {action for action, answered in from_stations.items() if not answered}
    gate = asyncio.Semaphore(STATIONS_AT_ONCE)
    outcomes: Counter[str] = Counter()

    async def one(number: int, batch: list[tuple[Schema, Fault]]) -> list[str]:
        async with gate:
            return await one_station(server, version, f"LENIENT-{version}-{number}", batch, outcomes, sends)

    problems = [line for lines in await asyncio.gather(*(one(*item) for item in enumerate(batches))) for line in lines]
    print(f"   {len(chosen)} faults by {len(batches)} stations: {dict(sorted(outcomes.items()))}")
    assert not problems, f"{len(problems)} problems\n  " + "\n  ".join(problems[:40])


async def one_station(server: Server, version: str, name: str, batch: list[tuple[Schema, Fault]],
                      outcomes: Counter[str], sends: set[str]) -> list[str]:
    api = server.api()
    await api_call(api.add_station, name)
    raw = RawStation(server.ocpp, name, version)
    await raw.connect()
    await raw.boot()
    socket = raw.socket
    problems = []
    for number, (schema, fault) in enumerate(batch):
        await socket.send(frame_of(number, schema, fault, sends))
        if schema.action in sends:
            outcomes["sent without an answer"] += 1
            continue
        frame = await answer_to(socket, f"fault-{number}")
        if frame[0] == 3:
            outcomes["taken"] += 1
        elif frame[0] == 4 and frame[2] in CODES[version]:
            outcomes["refused"] += 1
        else:
            problems.append(f"{schema.name} {fault.what} at {fault.field}: answered {frame}")
    # the same socket still serves, and by its answer all frames before it are filed
    still = await raw.call("Heartbeat", {}, within_s=ANSWER_WITHIN_S)
    assert still["currentTime"].endswith("Z"), still
    await raw.close()
    notes = await api_call(api.pages, f"/twins/{name}/notes", topic="violation")
    filed: dict[str, set[str]] = {}
    for note in notes:
        filed.setdefault(note["detail"].get("message_id", ""), set()).add(note["detail"].get("field", ""))
    for number, (schema, fault) in enumerate(batch):
        fields = filed.get(f"fault-{number}")
        if fields is None or fault.field not in fields:
            problems.append(f"{schema.name} {fault.what} at {fault.field}: filed {fields}")
    return problems


def frame_of(number: int, schema: Schema, fault: Fault, sends: set[str]) -> str:
    kind = 6 if schema.action in sends else 2
    return json.dumps([kind, f"fault-{number}", schema.action, fault.payload])


async def answer_to(socket: Any, number: str) -> Any:
    """The frame that answers; what the server asks meanwhile is refused."""
    async with asyncio.timeout(ANSWER_WITHIN_S):
        while True:
            frame = json.loads(await socket.recv())
            if frame[0] == 2:
                await socket.send(json.dumps([4, frame[1], "NotSupported", "", {}]))
            elif frame[1] == number:
                return frame
