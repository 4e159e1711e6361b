"""Stations, suites and fuzzers from npm, which this project did not write, against a real server.

`ocpp-ws-cli` is a suite of checks for central systems, a simulator and a fuzzer. `ocpp-rpc` is a client with its own copy of the
schemas, to which it holds every message of both sides in strict mode. Both are installed from `node/package-lock.json`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from charge_points import SUBPROTOCOLS, station
from harness import PASSWORD, TENANT, ApiError, Report, Server, api_call, arguments, checked, equal, until
from lenient import FRAME_BYTES_MAX, known_actions
from raw_station import RawStation
from schemas import Maker, Schema, load

SEED = 21
FUZZ_S = 6
FUZZERS = 6
RSS_BYTES_MAX = 600 * 1024 * 1024

# Checks of `ocpp-ws-cli` that the standard contradicts; the story below shows what the standard asks for instead.
NUMBER_AS_ID = ("The check wants the number 12345 back as the id. OCPP-J allows strings only (1.6-J 4.1.4, 2.x part 4 "
                "4.1.4), and 2.x answers an id that cannot be read with \"-1\".")
CODE_OF_16 = ("The check wants FormatViolation, which 1.6 does not have: its table of error codes (1.6-J 4.2.3) calls a "
              "payload that is not of the action's structure FormationViolation.")
DISPUTED = {
    "1.6": {"Server enforces MessageId is a string": NUMBER_AS_ID,
            "Server rejects non-object payload in CALL": CODE_OF_16},
    "2.0.1": {"Server enforces MessageId is a string": NUMBER_AS_ID},
    "2.1": {"Server enforces MessageId is a string": NUMBER_AS_ID},
}
CHECKS = 21
# This check ends its own connection after 100 ms, which a busy machine may need for the answer: it is tried again.
HASTY = "WebSocket ping/pong"
RETRIES = 3


# --- the suite


async def suite(modules: Path, server: Server, version: str) -> None:
    name = f"SUITE-{version}"
    await api_call(server.api().add_station, name)
    results = await checks(modules, server, version, name, "all")
    equal(len(results), CHECKS, "checks")
    failed = {check: issue for check, issue in results.items() if issue}
    for _ in range(RETRIES):
        if HASTY in failed and not (await checks(modules, server, version, name, "rpc"))[HASTY]:
            del failed[HASTY]
    for check in sorted(set(failed) & set(DISPUTED[version])):
        print(f"   disputed: {check}: {DISPUTED[version][check]}")
    equal({check: why for check, why in failed.items() if check not in DISPUTED[version]}, {}, "failed checks")
    print(f"   {CHECKS - len(failed)} of {CHECKS} pass")


async def checks(modules: Path, server: Server, version: str, name: str, part: str) -> dict[str, str]:
    """Each check of a part of the suite with what it found wrong."""
    with tempfile.TemporaryDirectory(prefix="voltwin-suite-") as folder:
        endpoint = f"ws://{name}:{PASSWORD}@127.0.0.1:{server.port}/ocpp"
        process = await asyncio.create_subprocess_exec(
            str(modules / ".bin/ocpp"), "test", "-e", endpoint, "-i", name, "-p", SUBPROTOCOLS[version], "--suite",
            part, "--report", "json", "--report-dir", folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        equal(await asyncio.wait_for(process.wait(), 120), 0, "exit status")
        (file,) = Path(folder).iterdir()
        results = json.loads(file.read_text())["testResults"]
    return {result["name"]: "" if result["passed"] else result.get("issue") or "failed" for result in results}


async def by_the_standard(server: Server, version: str) -> None:
    """What the disputed checks ask about, as the standard has it."""
    name = f"DISPUTED-{version}"
    await api_call(server.api().add_station, name)
    raw = RawStation(server.ocpp, name, version)
    await raw.connect()
    await raw.boot()

    async def ask(frame: Any) -> Any:
        await raw.socket.send(json.dumps(frame))
        return json.loads(await asyncio.wait_for(raw.socket.recv(), 20))

    number = await ask([2, 12345, "Heartbeat", {}])
    equal(number[:3], [4, "-1", "FormationViolation" if version == "1.6" else "RpcFrameworkError"], "a number as id")
    text = await ask([2, "a", "Heartbeat", "NotAnObject"])
    equal(text[:3], [4, "a", "FormationViolation" if version == "1.6" else "FormatViolation"], "a text as payload")
    missing = await ask([2, "b", "Heartbeat"])
    equal(missing[:3], [4, "b", "ProtocolError"], "no payload")
    still = await raw.call("Heartbeat", {})
    assert still["currentTime"].endswith("Z"), still
    await raw.close()


# --- the fuzzer


async def fuzz(modules: Path, voltwin: Path) -> None:
    with Server(voltwin) as server, tempfile.TemporaryDirectory(prefix="voltwin-fuzz-") as folder:
        server.seed("admin")
        server.start()
        api = server.api()
        for number in range(1, FUZZERS + 1):
            # it has no password to show
            await api_call(api.add_station, f"Fuzzer-{number}")
            await api_call(server.admin, "station", "profile", f"Fuzzer-{number}", "0", "--tenant", TENANT)
        await api_call(api.add_station, "GOOD")
        # without the flood it asks a question first
        process = await asyncio.create_subprocess_exec(
            str(modules / ".bin/ocpp"), "fuzz", "-e", server.ocpp, "-w", str(FUZZERS), "--flood", "--report",
            "json", "--report-dir", folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            async with station(server.ocpp, "GOOD", "1.6") as point:
                equal(await point.boot(), "Accepted", "boot beside the fuzzer")
                loop = asyncio.get_running_loop()
                waits = []
                end = loop.time() + FUZZ_S
                while loop.time() < end:
                    began = loop.time()
                    await point.heartbeat()
                    waits.append(loop.time() - began)
                    await asyncio.sleep(0.05)
                assert max(waits) < 2, f"a good station waited {max(waits):.2f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()
        (file,) = Path(folder).iterdir()
        told = json.loads(file.read_text())["metrics"]
        print(f"   {told}; a good station beside it waited {max(waits) * 1000:.0f} ms at most of {len(waits)} times")
        assert told["anomaliesSent"] > 500 and told["serverErrors"] > 0, told
        for version in SUBPROTOCOLS:
            name = f"AFTER-{version}"
            await api_call(api.add_station, name)
            async with station(server.ocpp, name, version) as point:
                equal(await point.boot(), "Accepted", f"boot after the fuzzer, OCPP {version}")
        assert server.rss_bytes() < RSS_BYTES_MAX, f"{server.rss_bytes()} bytes resident"


# --- the simulator


async def simulator(modules: Path, server: Server) -> None:
    """Its keys are pressed as a person would; it starts and stops by itself and by our commands. In 1.6 only: in 2.x its
    BootNotification is that of 1.6, which no central system may accept."""
    name = "SIMULATOR"
    api = server.api()
    await api_call(api.add_station, name)
    endpoint = f"ws://{name}:{PASSWORD}@127.0.0.1:{server.port}/ocpp"
    process = await asyncio.create_subprocess_exec(
        str(modules / ".bin/ocpp"), "simulate", "-e", endpoint, "-i", name, "-t", "SIM", "-p", "ocpp1.6", "--report",
        "json", "--report-dir", str(server.folder), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin

    async def sessions(count: int, state: str, within_s: float = 30) -> list[dict[str, Any]]:
        def found() -> list[dict[str, Any]]:
            items = api.get("/transactions", station=name)["items"]
            return items if len(items) == count and items[0]["state"] == state else []

        return await until(found, f"transaction {count} {state}", within_s)

    async def stopped(count: int) -> list[dict[str, Any]]:
        # it hears no key while it is busy with what it was told before
        for _ in range(9):
            process.stdin.write(b"e")
            with contextlib.suppress(AssertionError):
                return await sessions(count, "ended", within_s=4)
        return await sessions(count, "ended")

    try:
        await until(lambda: api.get(f"/stations/{name}")["boot_status"] == "Accepted", "the boot", within_s=30)
        process.stdin.write(b"a")
        await asyncio.sleep(1)
        process.stdin.write(b"t")
        first = (await sessions(1, "active"))[0]
        equal(first["id_token"], "SIM", "who charges")
        process.stdin.write(b"m")
        path = f"/stations/{name}/commands"
        stop = {"command": "remote_stop", "transaction_id": first["transaction_id"]}
        equal((await api_call(api.post, path, stop, wait_s=30))["state"], "accepted", "remote stop")
        await sessions(1, "ended")
        await until(lambda: api.get(f"/stations/{name}")["evses"][0]["status"] == "Available", "the plug pulled", 30)
        start = {"command": "remote_start", "evse": 1, "id_token": "SIM-2"}
        equal((await api_call(api.post, path, start, wait_s=30))["state"], "accepted", "remote start")
        second = (await sessions(2, "active"))[0]
        equal(second["id_token"], "SIM-2", "who charges by command")
        ended = await stopped(2)
        for record in ended:
            measured = Decimal(record["meter_stop_wh"]) - Decimal(record["meter_start_wh"])
            equal(Decimal(record["energy_wh"]), measured, "energy")
        for action in ("GetConfiguration", "ClearCache"):
            answered = await api_call(api.post, path, {"action": action, "payload": {}}, wait_s=30)
            equal(answered["state"], "accepted", action)
        equal(await api_call(api.pages, f"/twins/{name}/notes", topic="violation"), [], "breaches")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


# --- the strict client


@contextlib.asynccontextmanager
async def strict(modules: Path, plan: dict[str, Any]) -> AsyncIterator[Any]:
    """The station of `node/strict_station.cjs`: its events, one after the other."""
    script = Path(__file__).parent / "node/strict_station.cjs"
    process = await asyncio.create_subprocess_exec(
        "node", str(script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        limit=4 * 1024 * 1024, env={**os.environ, "NODE_PATH": str(modules)})
    assert process.stdin and process.stdout
    process.stdin.write((json.dumps(plan) + "\n").encode())
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.stdin.close()
            await asyncio.wait_for(process.wait(), 10)


async def events(process: Any, until: str) -> list[dict[str, Any]]:
    found = []
    while True:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line, f"the client ended before `{until}`: {found[-3:]}"
        found.append(json.loads(line))
        if found[-1]["event"] in (until, "failed"):
            return found


def instance(schema: Schema, how: str) -> Any:
    return plausible(Maker(schema, SEED).make(schema.document, how))


def plausible(value: Any, key: str = "") -> Any:
    """Numbers of EVSEs, multipliers and readings that a station can have, and no hertz, which the client's 1.6 lacks."""
    if isinstance(value, dict):
        return {name: plausible(item, "evse.id" if (key, name) == ("evse", "id") else name)
                for name, item in value.items()}
    if isinstance(value, list):
        return [plausible(item, key) for item in value]
    if key in ("connectorId", "evseId", "evse.id"):
        return min(value, 1)
    if key == "multiplier":
        return min(value, 3)
    if key == "value" and isinstance(value, str):
        return "7"
    return "Wh" if value == "Hertz" else value


def day(version: str) -> list[tuple[str, Any]]:
    """A day of one station with one session of 7.5 kWh."""
    at = "2026-11-21T08:{:02}:00Z".format
    if version == "1.6":
        def meter(minute: int, wh: int) -> tuple[str, Any]:
            sample = {"value": str(wh), "unit": "Wh", "measurand": "Energy.Active.Import.Register"}
            return "MeterValues", {"connectorId": 1, "transactionId": "$transaction", "meterValue": [
                {"timestamp": at(minute), "sampledValue": [sample]}]}

        def status(word: str) -> tuple[str, Any]:
            return "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": word}

        return [
            ("BootNotification", {"chargePointVendor": "npm", "chargePointModel": "ocpp-rpc"}),
            status("Available"), status("Preparing"), ("Authorize", {"idTag": "DAY"}),
            ("StartTransaction", {"connectorId": 1, "idTag": "DAY", "meterStart": 1000, "timestamp": at(0)}),
            status("Charging"), meter(10, 4000), meter(20, 7000), ("Heartbeat", {}),
            ("StopTransaction", {"transactionId": "$transaction", "meterStop": 8500, "timestamp": at(30),
                                 "reason": "EVDisconnected"}),
            status("Finishing"), status("Available"),
        ]

    def event(kind: str, number: int, wh: float, trigger: str, context: str) -> tuple[str, Any]:
        sample = {"value": wh, "context": context, "measurand": "Energy.Active.Import.Register",
                  "unitOfMeasure": {"unit": "Wh"}}
        started = {"idToken": {"idToken": "DAY", "type": "Central"}} if kind == "Started" else {}
        return "TransactionEvent", {
            "eventType": kind, "timestamp": at(number * 10), "triggerReason": trigger, "seqNo": number,
            "transactionInfo": {"transactionId": "day-1"}, "evse": {"id": 1, "connectorId": 1}, **started,
            "meterValue": [{"timestamp": at(number * 10), "sampledValue": [sample]}]}

    def free(word: str) -> tuple[str, Any]:
        return "StatusNotification", {"timestamp": at(0), "connectorStatus": word, "evseId": 1, "connectorId": 1}

    return [
        ("BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "npm", "model": "ocpp-rpc"}}),
        free("Available"), ("Authorize", {"idToken": {"idToken": "DAY", "type": "Central"}}), free("Occupied"),
        event("Started", 0, 1000, "Authorized", "Transaction.Begin"),
        event("Updated", 1, 4000, "MeterValuePeriodic", "Sample.Periodic"), ("Heartbeat", {}),
        event("Updated", 2, 7000, "MeterValuePeriodic", "Sample.Periodic"),
        event("Ended", 3, 8500, "EVCommunicationLost", "Transaction.End"), free("Available"),
    ]


async def strict_station(modules: Path, server: Server, version: str) -> None:
    """A scripted day; then every message that a station may send, least and fullest; then every command."""
    name = f"STRICT-{version}"
    api = server.api()
    await api_call(api.add_station, name)
    schemas = {(schema.action, schema.kind): schema for schema in load() if schema.version == version}
    actions = [item for item in known_actions(server.voltwin) if item["version"] == version and item["answered"]]
    from_station = [item["action"] for item in actions if item["from"] != "system"]
    from_system = [item["action"] for item in actions if item["from"] != "station"]
    told = [(action, instance(schemas[action, "request"], how))
            for action in from_station for how in ("minimal", "maximal") if action != "BootNotification"]
    # the fullest of a few messages are longer than a frame may be
    told = [(action, payload) for action, payload in told if len(json.dumps(payload)) < FRAME_BYTES_MAX - 100]
    answers = {action: instance(schemas[action, "response"], "minimal") for action in from_system}
    plan = {"endpoint": server.ocpp, "identity": name, "password": PASSWORD, "protocol": SUBPROTOCOLS[version],
            "calls": [*day(version), *told], "answers": answers}
    async with strict(modules, plan) as process:
        heard = await events(process, "idle")
        outcomes: Counter[str] = Counter()
        for action in from_system:
            payload = instance(schemas[action, "request"], "minimal")
            try:
                given = await api_call(api.post, f"/stations/{name}/commands", {"action": action, "payload": payload},
                                       wait_s=20)
                outcomes[given["state"]] += 1
                if given["answer"] != answers[action]:
                    outcomes[f"{action} {given['state']}: {given.get('answer')}"] += 1
            except ApiError as error:
                outcomes[f"{action} refused here: {error.body[:200]}"] += 1
        process.stdin.write(b"end\n")
        heard += await events(process, "closed")
    kinds = Counter(event["event"] for event in heard)
    print(f"   {dict(sorted(kinds.items()))}; commands {dict(outcomes)}")
    wrong = [event for event in heard if event["event"] in ("invalid", "bad", "unknown", "failed")]
    equal(wrong, [], "what the client found wrong")
    refused = [event for event in heard if event["event"] == "refused"]
    for event in refused:
        print(f"   refused: {event['action']} {event['code']}")
    equal(refused, [], "refused calls")
    asked = {event["action"] for event in heard if event["event"] == "asked"}
    equal(asked, set(from_system), "commands that reached it")
    equal({line: count for line, count in outcomes.items() if line not in ("accepted", "rejected")}, {},
          "commands without the station's own answer")
    records = (await api_call(api.get, "/transactions", station=name))["items"]
    session = [record for record in records if record["id_token"] == "DAY"]
    equal([(Decimal(record["energy_wh"]), record["state"]) for record in session], [(Decimal(7500), "ended")],
          "the day's session")


def options() -> Any:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--modules", type=Path, required=True, help="node_modules of node/package-lock.json")
    parser.add_argument("filter", nargs="?", default="", help="only tests whose name contains this")
    return parser.parse_args()


async def main() -> int:
    given = options()
    voltwin, modules = checked(given.voltwin), given.modules.resolve()
    report = Report()
    with Server(voltwin) as server:
        server.seed("admin")
        server.start()
        tests: list[tuple[str, Any, Server | None]] = []
        for version in SUBPROTOCOLS:
            tests += [
                (f"every check of ocpp-ws-cli, OCPP {version}", partial(suite, modules, server, version), server),
                (f"disputed checks by the standard, OCPP {version}", partial(by_the_standard, server, version), server),
                (f"every message with ocpp-rpc in strict mode, OCPP {version}",
                 partial(strict_station, modules, server, version), server),
            ]
        tests += [("the simulator of ocpp-ws-cli, OCPP 1.6", partial(simulator, modules, server), server),
                  ("the fuzzer of ocpp-ws-cli as a flood", partial(fuzz, modules, voltwin), None)]
        for name, test, of in tests:
            if given.filter in name:
                await report.run(name, test, of, within_s=240)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
