"""Real stations against a real server: the stories that an operator's day is made of."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import Any

import websockets

import campaigns
import care
import charging
import live_stream
from charge_points import SUBPROTOCOLS, credentials, now, open_socket, station
from harness import PASSWORD, TENANT, ApiError, Report, Server, api_call, arguments, checked, equal, until

Story = Callable[[Server], Awaitable[None]]
stories: list[tuple[str, Story]] = []


def story(name: str) -> Callable[[Story], Story]:
    def add(function: Story) -> Story:
        stories.append((name, function))
        return function

    return add


def each_version(name: str) -> Callable[[Callable[[Server, str], Awaitable[None]]], Any]:
    def add(function: Callable[[Server, str], Awaitable[None]]) -> Any:
        for version in SUBPROTOCOLS:
            stories.append((f"{name}, OCPP {version}", partial(_with_version, function, version)))
        return function

    return add


async def _with_version(function: Any, version: str, server: Server) -> None:
    await function(server, version)


async def new_station(server: Server, name: str) -> str:
    await api_call(server.api().add_station, name)
    return name


@each_version("a whole session with a remote stop")
async def whole_session(server: Server, version: str) -> None:
    name = await new_station(server, f"DAY-{version}")
    api = server.api()
    start_wh, middle_wh, stop_wh = (Decimal("1000.25"), Decimal("4250.125"), Decimal("8346.128"))
    if version == "1.6":
        start_wh, middle_wh, stop_wh = Decimal(1000), Decimal(4250), Decimal(8346)
    async with station(server.ocpp, name, version) as point:
        equal(await point.boot(), "Accepted", "boot")
        await point.status(1, "Available")
        shown = await api_call(api.get, f"/stations/{name}")
        equal((shown["online"], shown["ocpp_version"], shown["vendor"]), (True, version, "Voltwin tests"), "station")
        equal(await point.authorize("RFID-1"), "Accepted", "authorize")
        transaction = await point.begin(1, "RFID-1", start_wh)
        await point.meter(transaction, middle_wh, 11_000, 41)
        connector = await until(lambda: connector_with(api, name, power_w=11_000), "the power on the connector")
        equal((connector["soc"], connector["transaction_id"]), (0.41, transaction), "connector")
        active = await api_call(api.get, "/transactions", station=name, state="active")
        equal([item["transaction_id"] for item in active["items"]], [transaction], "active transactions")
        command = await api_call(api.post, f"/stations/{name}/commands", {"command": "remote_stop",
                                                                          "transaction_id": transaction}, wait_s=30)
        equal((command["state"], command["answer"]), ("accepted", {"status": "Accepted"}), "remote stop")
        equal(await asyncio.wait_for(point.remote_stop, 5), transaction, "transaction that the station was asked for")
        await point.end(transaction, stop_wh, "Remote")
        await point.status(1, "Available")
        assert (await point.heartbeat()).endswith("Z"), "heartbeat times are UTC"
    record = (await api_call(api.get, "/transactions", station=name))["items"]
    equal(len(record), 1, "records")
    record = record[0]
    equal(Decimal(record["energy_wh"]), stop_wh - start_wh, "energy")
    equal(Decimal(record["meter_start_wh"]), start_wh, "first meter reading")
    equal(Decimal(record["meter_stop_wh"]), stop_wh, "last meter reading")
    equal((record["state"], record["id_token"], record["stopped_reason"]), ("ended", "RFID-1", "Remote"), "record")
    equal((record["events"], record["flags"]), (3, []), "events and flags")
    history = (await api_call(api.get, "/commands", station=name))["items"]
    equal([item["id"] for item in history], [command["id"]], "commands")
    await until(lambda: not api.get(f"/stations/{name}")["online"], "the station going offline")


def connector_with(api: Any, name: str, **wanted: Any) -> dict[str, Any] | None:
    for evse in api.get(f"/stations/{name}")["evses"]:
        for connector in evse["connectors"]:
            if all(connector[key] == value for key, value in wanted.items()):
                return connector
    return None


@each_version("any action by its name, with the station's own answer")
async def raw_action(server: Server, version: str) -> None:
    name = await new_station(server, f"RAW-{version}")
    api = server.api()
    variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    if version == "1.6":
        action, payload = "GetConfiguration", {"key": ["HeartbeatInterval", "NoSuchKey"]}
        answer = {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "77"}],
                  "unknownKey": ["NoSuchKey"]}
    else:
        action, payload = "GetVariables", {"getVariableData": [variable]}
        answer = {"getVariableResult": [{"attributeStatus": "Accepted", "attributeValue": "77", **variable}]}
    async with station(server.ocpp, name, version) as point:
        await point.boot()
        path = f"/stations/{name}/commands"
        command = await api_call(api.post, path, {"action": action, "payload": payload}, wait_s=30)
        equal((command["state"], command["answer"]), ("accepted", answer), action)
        refused = await api_call(api.post, path, {"action": "TriggerMessage",
                                                  "payload": {"requestedMessage": "Heartbeat"}}, wait_s=30)
        equal((refused["state"], refused["answer"]), ("rejected", {"status": "NotImplemented"}), "TriggerMessage")
        equal(point.commands, [action, "TriggerMessage"], "what reached the station")
        try:
            await api_call(api.post, path, {"action": action, "payload": {"key": 5, "getVariableData": 5}}, wait_s=5)
            raise AssertionError("a payload that breaks the schema was sent")
        except ApiError as error:
            assert 400 <= error.status < 500, error
        messages = (await api_call(api.get, f"/stations/{name}/messages"))["items"]
        outgoing = [item["action"] for item in messages if (item["direction"], item["kind"]) == ("out", "call")]
        equal(sorted(outgoing), sorted([action, "TriggerMessage"]), "frames that the log shows")
    gone = await api_call(api.post, path, {"action": action, "payload": payload}, wait_s=5)
    equal(gone["state"], "failed", "a command to a station that is gone")


@story("wrong password, no password, unknown station")
async def refused(server: Server) -> None:
    await new_station(server, "LOCKED")
    equal(await refusal(server, "LOCKED", "wrong-password-here"), 401, "wrong password")
    equal(await refusal(server, "LOCKED", None), 401, "no password")
    # With several tenants the path says whose claim queue it is.
    stranger = f"{server.ocpp}/{TENANT}"
    equal(await refusal(server, "STRANGER", "whatever-it-is-long", stranger), 401, "unknown station")
    api = server.api()
    claims = (await api_call(api.get, "/claims"))["items"]
    equal([(claim["station"], claim["has_password"]) for claim in claims], [("STRANGER", True)], "claims")
    await api_call(api.post, f"/claims/{claims[0]['id']}/accept", {"name": "From the street"})
    async with station(stranger, "STRANGER", "2.0.1", "whatever-it-is-long") as point:
        equal(await point.boot(), "Accepted", "boot of the accepted station")
    equal((await api_call(api.get, "/claims"))["items"], [], "claims after acceptance")


async def refusal(server: Server, name: str, password: str | None, url: str | None = None) -> int:
    try:
        socket = await open_socket(url or server.ocpp, name, "1.6", password)
    except websockets.InvalidStatus as error:
        return error.response.status_code
    await socket.close()
    return 101


@each_version("the newest authenticated connection wins")
async def takeover(server: Server, version: str) -> None:
    name = await new_station(server, f"TWICE-{version}")
    api = server.api()
    async with station(server.ocpp, name, version) as old:
        await old.boot()
        equal(await refusal(server, name, "wrong-password-here"), 401, "an intruder")
        assert old.socket.close_code is None, "an unauthenticated connection must not displace the station"
        async with station(server.ocpp, name, version) as new:
            await new.boot()
            await asyncio.wait_for(asyncio.wait([old.listening]), 5)
            assert old.socket.close_code is not None, "the older connection is closed"
            body = {"action": "TriggerMessage", "payload": {"requestedMessage": "Heartbeat"}}
            command = await api_call(api.post, f"/stations/{name}/commands", body, wait_s=10)
            equal(command["state"], "rejected", "the command")
            equal((old.commands, new.commands), ([], ["TriggerMessage"]), "who got the command")
            assert (await api_call(api.get, f"/stations/{name}"))["online"], "still online"


BAD_FRAMES: list[tuple[str, Any, dict[str, str]]] = [
    ("unknown action", [2, "a1", "MakeCoffee", {}],
     {"1.6": "NotImplemented", "2.0.1": "NotImplemented", "2.1": "NotImplemented"}),
    ("wrong type", [2, "a2", "Authorize", {"idTag": 7, "idToken": 7}],
     {"1.6": "TypeConstraintViolation", "2.0.1": "TypeConstraintViolation", "2.1": "TypeConstraintViolation"}),
    ("missing field", [2, "a3", "Authorize", {}],
     {"1.6": "OccurenceConstraintViolation", "2.0.1": "OccurrenceConstraintViolation",
      "2.1": "OccurrenceConstraintViolation"}),
    ("payload that is a list", [2, "a4", "Heartbeat", []],
     {"1.6": "FormationViolation", "2.0.1": "FormatViolation", "2.1": "FormatViolation"}),
    ("over-long value", [2, "a5", "Authorize", {"idTag": "x" * 21, "idToken": {"idToken": "x" * 300,
                                                                               "type": "ISO14443"}}],
     {"1.6": "PropertyConstraintViolation", "2.0.1": "PropertyConstraintViolation",
      "2.1": "PropertyConstraintViolation"}),
]


@each_version("bad frames get the error that the version names")
async def bad_frames(server: Server, version: str) -> None:
    name = await new_station(server, f"BAD-{version}")
    async with station(server.ocpp, name, version) as point:
        await point.boot()
    socket = await open_socket(server.ocpp, name, version)
    problems = []
    for title, frame, codes in BAD_FRAMES:
        await socket.send(json.dumps(frame))
        answer = json.loads(await asyncio.wait_for(socket.recv(), 5))
        if answer[:3] != [4, frame[1], codes[version]]:
            problems.append(f"{title}: expected {codes[version]}, got {answer[:4]}")
    if version != "1.6":
        await socket.send("{this is no JSON")
        answer = json.loads(await asyncio.wait_for(socket.recv(), 5))
        if answer[:3] != [4, "-1", "RpcFrameworkError"]:
            problems.append(f"unparseable: {answer[:4]}")
    await socket.send(json.dumps([2, "z1", "Heartbeat", {}]))
    answer = json.loads(await asyncio.wait_for(socket.recv(), 5))
    while answer[1] != "z1":
        answer = json.loads(await asyncio.wait_for(socket.recv(), 5))
    equal(answer[0], 3, "a good frame after the bad ones")
    await socket.send(json.dumps([2, "big", "DataTransfer", {"vendorId": "v", "data": "x" * 70_000}]))
    with_close = await closing_code(socket)
    if with_close != 1009:
        problems.append(f"a frame of 70 kB: closed with {with_close}, not 1009")
    assert not problems, "; ".join(problems)


async def closing_code(socket: Any) -> int | None:
    try:
        async with asyncio.timeout(10):
            while True:
                await socket.recv()
    except websockets.ConnectionClosed:
        return socket.close_code


@story("a repeated event is answered and counted once")
async def repeated(server: Server) -> None:
    name = await new_station(server, "ECHO")
    api = server.api()
    async with station(server.ocpp, name, "2.0.1") as point:
        await point.boot()
        transaction = await point.begin(1, "RFID-2", Decimal(0))
        for _ in range(3):
            point.seq_no = 1
            await point.meter(transaction, Decimal(1500), 7_000, 50)
        await point.end(transaction, Decimal(2500), "Local")
        for _ in range(2):
            point.seq_no = 2
            await point.end(transaction, Decimal(2500), "Local")
    record = (await api_call(api.get, "/transactions", station=name))["items"][0]
    equal((Decimal(record["energy_wh"]), record["events"], record["state"]), (Decimal(2500), 3, "ended"), "record")


@story("a tenant sees only itself, a viewer only looks")
async def isolation(server: Server) -> None:
    name = await new_station(server, "PRIVATE")
    other = server.api("other/admin")
    equal((await api_call(other.get, "/stations"))["items"], [], "another tenant's stations")
    for path in (f"/stations/{name}", f"/stations/{name}/messages", f"/twins/{name}"):
        equal(await status_of(other.get, path), 404, f"{path} for another tenant")
    viewer = server.api("viewer")
    equal((await api_call(viewer.get, f"/stations/{name}"))["id"], name, "what the viewer sees")
    body = {"command": "reset"}
    equal(await status_of(viewer.post, f"/stations/{name}/commands", body), 403, "a command of a viewer")
    stranger = server.api()
    stranger.key = "vk_nobody_knows_this_key"
    equal(await status_of(stranger.get, "/stations"), 401, "an invented key")


async def status_of(function: Any, *args: Any) -> int:
    try:
        await api_call(function, *args)
    except ApiError as error:
        return error.status
    return 200


@story("no common sub-protocol ends the connection")
async def no_protocol(server: Server) -> None:
    name = await new_station(server, "OLD-SOAP")
    headers = credentials(name, "correct-horse-battery")
    try:
        socket = await websockets.connect(f"{server.ocpp}/{name}", subprotocols=["ocpp1.5"], proxy=None,
                                          additional_headers=headers)
    except (websockets.InvalidStatus, websockets.NegotiationError):
        return
    equal(socket.subprotocol, None, "sub-protocol")
    assert await closing_code(socket) is not None


@story("an offer of no sub-protocol at all is refused")
async def no_offer(server: Server) -> None:
    name = await new_station(server, "NO-OFFER")
    try:
        await websockets.connect(f"{server.ocpp}/{name}", additional_headers=credentials(name, PASSWORD), proxy=None)
    except websockets.InvalidStatus as error:
        equal(error.response.status_code, 400, "status without any sub-protocol")
    else:
        raise AssertionError("a station that offers no sub-protocol at all came in")


@each_version("a close by the station is answered")
async def closed_by_the_station(server: Server, version: str) -> None:
    name = await new_station(server, f"CLOSE-{version}")
    socket = await open_socket(server.ocpp, name, version)
    await socket.close(1000, "until tomorrow")
    equal(socket.close_code, 1000, "close code, 1006 when there was no answer")


@story("a meter value is on the live stream within a second")
async def live(server: Server) -> None:
    name = await new_station(server, "LIVE")
    async with station(server.ocpp, name, "2.1") as point, live_stream.connect(server) as stream:
        await point.boot()
        transaction = await point.begin(1, "RFID-3", Decimal(0))
        row = await stream.row("connector", f"{name}:1:1")
        equal((row["evse"], row["connector"]), (1, 1), "the connector's row")
        for power in (7_400, 11_000, 22_000):
            sent = time.monotonic()
            await point.meter(transaction, Decimal(power), power, 60)
            await stream.wait("connector", f"{name}:1:1", lambda row: row["power_w"] == power, within_s=5)
            took = time.monotonic() - sent
            assert took < 1, f"{took:.2f} s from the station to the stream"
        await point.end(transaction, Decimal(30_000), "Local")


@story("health, readiness, metrics and the description of the API")
async def health(server: Server) -> None:
    def fetch(path: str) -> tuple[int, str]:
        with urllib.request.urlopen(server.url + path, timeout=10) as response:
            return response.status, response.read().decode()

    for path in ("/healthz", "/readyz"):
        equal((await asyncio.to_thread(fetch, path))[0], 200, path)
    status, document = await asyncio.to_thread(fetch, "/api/v1/openapi.json")
    assert json.loads(document)["openapi"].startswith("3."), document[:80]
    status, text = await asyncio.to_thread(fetch, "/metrics")
    assert status == 200 and "# TYPE" in text, text[:200]


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", default="", help="run the stories whose name contains this")
    args = parser.parse_args()
    report = Report()
    with Server(checked(args.voltwin)) as server:
        server.seed("admin", "viewer")
        server.start()
        # Beside the running server, as an operator would do it.
        server.seed("admin", tenant="other")
        for name, function in stories + care.stories + charging.stories + campaigns.stories:
            if args.only in name:
                await report.run(name, partial(function, server), server)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
