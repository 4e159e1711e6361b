"""Who may charge and how much: tokens, local lists, reservations, profiles, energy both ways, swaps and streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any

from ocpp import v16, v21, v201
from ocpp.routing import on

from care import command, notes, topic
from charge_points import Station16, Station21, Station201, now, station
from harness import ApiError, Server, api_call, equal, until

Story = Callable[[Server], Awaitable[None]]
stories: list[tuple[str, Story]] = []
ALL = ("1.6", "2.0.1", "2.1")
NEWER = ("2.0.1", "2.1")
NEWEST = ("2.1",)


def story(name: str, versions: tuple[str, ...]) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        for version in versions:
            stories.append((f"{name}, OCPP {version}", partial(_run, function, version)))
        return function

    return add


async def _run(function: Any, version: str, server: Server) -> None:
    name = f"CH-{function.__name__}-{version}"
    await api_call(server.api().add_station, name)
    async with station(server.ocpp, name, version, kind=KINDS[version]) as point:
        await point.boot()
        await function(server, name, version, point)


class _Holding:
    """Accepts what it is asked and remembers it; a local list is kept as the protocol says."""

    lib: Any

    def remember(self) -> None:
        super().remember()  # type: ignore[misc]
        self.requests: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.list: dict[str, dict[str, Any]] = {}
        self.list_version = 0
        self.updates: list[str] = []

    def take(self, action: str, request: dict[str, Any]) -> Any:
        self.requests[action] = request
        answer = self.answers.get(action, {"status": "Accepted"})
        return getattr(self.lib.call_result, action)(**answer)

    @on("GetLocalListVersion")
    def on_list_version(self, **_: Any) -> Any:
        field = "list_version" if self.lib is v16 else "version_number"
        return self.lib.call_result.GetLocalListVersion(**{field: self.list_version})

    @on("SendLocalList")
    def on_send_list(self, update_type: str, local_authorization_list: Any = (), **request: Any) -> Any:
        version = request["list_version" if self.lib is v16 else "version_number"]
        self.updates.append(update_type)
        if version <= self.list_version:
            return self.lib.call_result.SendLocalList(status="VersionMismatch")
        if update_type == "Full":
            self.list = {}
        for entry in local_authorization_list:
            token = entry["id_tag"] if self.lib is v16 else entry["id_token"]["id_token"]
            info = entry.get("id_tag_info" if self.lib is v16 else "id_token_info")
            if info is None:
                self.list.pop(token, None)
            else:
                self.list[token] = info
        self.list_version = version
        return self.lib.call_result.SendLocalList(status="Accepted")


def taking(*actions: str) -> Callable[[type], type]:
    """Handlers that accept these actions."""

    def add(kind: type) -> type:
        for action in actions:
            def handler(self: Any, action: str = action, **request: Any) -> Any:
                return self.take(action, request)

            handler.__name__ = f"take_{action}"
            setattr(kind, handler.__name__, on(action)(handler))
        return kind

    return add


OF_ALL = ("ReserveNow", "CancelReservation", "SetChargingProfile", "ClearChargingProfile", "GetCompositeSchedule",
          "ChangeAvailability", "UnlockConnector", "ClearCache")
OF_NEWEST = ("NotifyAllowedEnergyTransfer", "UsePriorityCharging", "AFRRSignal", "SetDERControl", "GetDERControl",
             "ClearDERControl", "RequestBatterySwap", "AdjustPeriodicEventStream", "GetPeriodicEventStream")


@taking(*OF_ALL)
class Holding16(_Holding, Station16):
    lib = v16


@taking(*OF_ALL, "GetTransactionStatus")
class Holding201(_Holding, Station201):
    lib = v201


@taking(*OF_ALL, "GetTransactionStatus", *OF_NEWEST)
class Holding21(_Holding, Station21):
    lib = v21


KINDS = {"1.6": Holding16, "2.0.1": Holding201, "2.1": Holding21}


def later(**more: float) -> str:
    return (datetime.now(timezone.utc) + timedelta(**more)).isoformat(timespec="seconds").replace("+00:00", "Z")


async def status_of(function: Any, *args: Any, **query: Any) -> int:
    try:
        await api_call(function, *args, **query)
    except ApiError as error:
        return error.status
    return 200


async def token_status(point: Any, evse: int, token: str) -> str:
    """Begins a transaction and tells what the central system thinks of its token."""
    try:
        await point.begin(evse, token, Decimal(0))
    except AssertionError as answer:
        words = ("ConcurrentTx", "Blocked", "Expired", "Invalid", "NotAtThisLocation")
        return next(word for word in words if word in str(answer))
    return "Accepted"


@story("a local list that follows the tokens", ALL)
async def local_list(server: Server, name: str, version: str, point: Any) -> None:
    api = server.api()
    parent = f"LL{version.replace('.', '')}"
    tokens = [f"{parent}-{n:03}" for n in range(120)]
    rows = "\n".join(f"{token},{parent}" for token in tokens)
    sent = await api_call(post_csv, server, f"id_token,parent\n{rows}\n")
    equal(sent, {"added": 120, "changed": 0}, "import")
    path = f"/stations/{name}/local-list"
    equal((await api_call(api.get, path))["state"], "unknown", "before")
    await api_call(api.call, "PUT", path, {"mode": "chosen", "parents": [parent]})
    told = await api_call(api.post, f"{path}/sync", wait_s=60)
    equal((told["state"], told["entries"], told["pending"]), ("current", 120, 0), "after")
    equal(sorted(point.list), tokens, "what the station holds")
    equal(point.updates[0], "Full", "the first part")
    equal(set(point.updates[1:]), {"Differential"}, "the other parts")
    group = point.list[tokens[0]]
    equal(group["parent_id_tag"] if version == "1.6" else group["group_id_token"]["id_token"], parent, "the parent")

    # a change reaches the station by itself, and alone
    before, point.updates = point.list_version, []
    await api_call(api.call, "PUT", f"/id-tokens/{tokens[7]}", {"status": "blocked", "parent": parent})
    await api_call(api.call, "DELETE", f"/id-tokens/{tokens[8]}")
    await until(lambda: point.list.get(tokens[7], {}).get("status") == "Blocked" and tokens[8] not in point.list,
                "the change on the station", within_s=30)
    assert set(point.updates) == {"Differential"} and point.list_version > before, point.updates

    # a station that lost its list gets the whole of it
    point.list, point.list_version, point.updates = {}, 0, []
    told = await api_call(api.post, f"{path}/sync", wait_s=60)
    equal((told["state"], len(point.list), point.updates[0]), ("current", 119, "Full"), "after the loss")
    assert point.list_version > before, "versions only grow"


def post_csv(server: Server, text: str) -> Any:
    import urllib.request

    request = urllib.request.Request(f"{server.url}/api/v1/id-token-imports", data=text.encode(), method="POST",
                                     headers={"Authorization": f"Bearer {server.api().key}",
                                              "Content-Type": "text/csv"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@story("a token that charges at one place at a time", ALL)
async def concurrent(server: Server, name: str, version: str, point: Any) -> None:
    api = server.api()
    one, old = f"ONE-{version}", f"OLD-{version}"
    await api_call(api.post, "/id-tokens", {"id_token": one})
    await api_call(api.post, "/id-tokens", {"id_token": old, "expires_at": "2020-01-01T00:00:00Z"})
    equal(await point.authorize(old), "Expired", "a token of the past")
    await api_call(api.add_station, f"{name}-B")
    async with station(server.ocpp, f"{name}-B", version, kind=KINDS[version]) as other:
        await other.boot()
        transaction = await point.begin(1, one, Decimal(0))
        equal(await point.authorize(one), "Accepted", "who wants to end it")
        equal(await token_status(other, 1, one), "ConcurrentTx", "the second place")
        uses = (await api_call(api.get, f"/id-tokens/{one}"))["uses"]
        equal(sorted(use["station"] for use in uses), [name, f"{name}-B"], "both are recorded")
        await point.end(transaction, Decimal(500), "Local")
        equal(await token_status(other, 1, one), "Accepted", "when it is over")
        await api_call(api.call, "PUT", f"/id-tokens/{one}", {"concurrent_allowed": True})
        equal(await token_status(point, 1, one), "Accepted", "when it may")


@story("reservations that are used, given up and run out", ALL)
async def reservations(server: Server, name: str, version: str, point: Any) -> None:
    api = server.api()
    path = f"/stations/{name}/reservations"
    token = f"RES-{version}"

    async def reserve(evse: int) -> dict[str, Any]:
        body = {"evse": evse, "id_token": token, "expires_at": later(hours=1)}
        made = (await api_call(api.post, path, body, wait_s=30))["reservation"]
        equal((made["state"], made["answer"]), ("active", "Accepted"), f"reservation of EVSE {evse}")
        return made

    async def state(number: int) -> str:
        listed = await api_call(api.pages, path)
        return next(item["state"] for item in listed if item["id"] == number)

    used = await reserve(1)
    asked = point.requests["ReserveNow"]
    equal(asked["id_tag"] if version == "1.6" else asked["id_token"]["id_token"], token, "the token")
    again = {"evse": 1, "id_token": "X", "expires_at": later(hours=1)}
    equal(await status_of(api.post, path, again), 409, "a second one")
    transaction = await point.begin(1, token, Decimal(0))
    equal(await state(used["id"]), "used", "after the start")
    await point.end(transaction, Decimal(10), "Local")
    given_up = await reserve(2)
    gone = await api_call(api.call, "DELETE", f"{path}/{given_up['id']}", wait_s=30)
    equal((gone["reservation"]["state"], gone["command"]["state"]), ("cancelled", "accepted"), "given up")
    equal(point.requests["CancelReservation"], {"reservation_id": given_up["id"]}, "what the station was told")
    equal(await status_of(api.call, "DELETE", f"{path}/{given_up['id']}"), 409, "given up twice")
    if version != "1.6":
        over = await reserve(2)
        await point.call(point.lib.call.ReservationStatusUpdate(reservation_id=over["id"],
                                                                reservation_update_status="Expired"), suppress=False)
        equal(await state(over["id"]), "expired", "the station's word")
    point.answers["ReserveNow"] = {"status": "Occupied"}
    refused = await api_call(api.post, path, {"evse": 2, "id_token": token, "expires_at": later(hours=1)}, wait_s=30)
    equal((refused["reservation"]["state"], refused["command"]["state"]), ("refused", "rejected"), "refused")


@story("charging profiles and what they add up to", ALL)
async def composite(server: Server, name: str, version: str, point: Any) -> None:
    api = server.api()

    def profile(number: int, level: int, limit: float) -> dict[str, Any]:
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": limit}, {"startPeriod": 1800, "limit": limit / 2}]}
        named = {"stackLevel": level, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative"}
        if version == "1.6":
            return {"connectorId": 1, "csChargingProfiles": {"chargingProfileId": number, **named,
                                                             "chargingSchedule": schedule}}
        return {"evseId": 1, "chargingProfile": {"id": number, **named, "chargingSchedule": [{"id": 1, **schedule}]}}

    await command(server, name, "SetChargingProfile", profile(1, 0, 32.0))
    await command(server, name, "SetChargingProfile", profile(2, 1, 20.0))
    held = await api_call(api.pages, f"/stations/{name}/charging-profiles")
    equal([item["key"] for item in held], ["1", "2"], "profiles")
    path = f"/stations/{name}/composite-schedule"
    ours = await api_call(api.get, path, evse=1, duration_s=3600, unit="A")
    equal([(slot["start_s"], slot["limit"]) for slot in ours["ours"]], [(0, 20.0), (1800, 10.0)], "ours")
    watts = await api_call(api.get, path, evse=1, duration_s=3600, unit="W")
    equal([slot["limit"] for slot in watts["ours"]], [20.0 * 230 * 3, 10.0 * 230 * 3], "in watts")

    def own(*periods: tuple[int, float]) -> dict[str, Any]:
        listed = [{"start_period": start, "limit": limit} for start, limit in periods]
        if version == "1.6":
            return {"status": "Accepted", "connector_id": 1, "schedule_start": now(),
                    "charging_schedule": {"charging_rate_unit": "A", "charging_schedule_period": listed}}
        return {"status": "Accepted", "schedule": {"evse_id": 1, "duration": 3600, "schedule_start": now(),
                                                   "charging_rate_unit": "A", "charging_schedule_period": listed}}

    async def compare() -> dict[str, Any]:
        return await api_call(api.get, path, evse=1, duration_s=3600, unit="A", compare="true", wait_s=30)

    point.answers["GetCompositeSchedule"] = own((0, 20.0), (1800, 10.0))
    same = await compare()
    equal((same["greatest_difference"], same["differences"]), (0, []), "a station that agrees")
    point.answers["GetCompositeSchedule"] = own((0, 20.0), (1800, 13.5))
    other = await compare()
    equal((other["greatest_difference"], [d["from_s"] for d in other["differences"]]), (3.5, [1800]), "one that does not")
    clear = {"id": 2} if version == "1.6" else {"chargingProfileId": 2}
    await command(server, name, "ClearChargingProfile", clear)
    ours = await api_call(api.get, path, evse=1, duration_s=3600, unit="A")
    equal(ours["ours"][0]["limit"], 32.0, "without the second one")


@story("neutral commands in the words of the version", ALL)
async def neutral(server: Server, name: str, version: str, point: Any) -> None:
    api = server.api()

    async def give(**body: Any) -> dict[str, Any]:
        return await api_call(api.post, f"/stations/{name}/commands", body, wait_s=30)

    equal((await give(command="change_availability", operative=False, evse=1))["state"], "accepted", "out of service")
    wanted = {"connector_id": 1, "type": "Inoperative"} if version == "1.6" else {
        "operational_status": "Inoperative", "evse": {"id": 1}}
    equal(point.requests["ChangeAvailability"], wanted, "what the station was told")
    point.answers["UnlockConnector"] = {"status": "Unlocked"}
    equal((await give(command="unlock_connector", evse=1))["state"], "accepted", "unlock")
    equal((await give(command="clear_cache"))["state"], "accepted", "clear the cache")


@story("energy both ways, and priority", NEWEST)
async def both_ways(server: Server, name: str, version: str, point: Any) -> None:
    transaction = await point.begin(1, "V2X-1", Decimal(1000))
    modes = ["AC_three_phase", "AC_BPT"]
    await command(server, name, "NotifyAllowedEnergyTransfer",
                  {"transactionId": transaction, "allowedEnergyTransfer": modes})
    equal(await topic(server, name, "allowed_energy_transfer"), {transaction: modes}, "modes that are allowed")
    setpoint = {"id": 9, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute",
                "transactionId": transaction, "chargingSchedule": [{
                    "id": 1, "startSchedule": now(), "chargingRateUnit": "W", "chargingSchedulePeriod": [
                        {"startPeriod": 0, "operationMode": "CentralSetpoint", "limit": 11000.0,
                         "dischargeLimit": -7000.0, "setpoint": -5000.0}]}]}
    await command(server, name, "SetChargingProfile", {"evseId": 1, "chargingProfile": setpoint})
    ours = await api_call(server.api().get, f"/stations/{name}/composite-schedule", evse=1, duration_s=600, unit="W")
    slot = ours["ours"][0]
    equal((slot["limit"], slot["discharge_limit"], slot["setpoint"]), (11000.0, -7000.0, -5000.0), "the setpoint")
    needs = {"requested_energy_transfer": "AC_BPT", "available_energy_transfer": modes,
             "v2x_charging_parameters": {"max_charge_power": 11000.0, "max_discharge_power": 7000.0}}
    answer = await point.call(v21.call.NotifyEVChargingNeeds(evse_id=1, charging_needs=needs), suppress=False)
    equal(answer.status, "NoChargingProfile", "needs")
    equal((await topic(server, name, "charging_needs"))["1"]["chargingNeeds"]["requestedEnergyTransfer"], "AC_BPT",
          "what the vehicle asked for")
    await command(server, name, "UsePriorityCharging", {"transactionId": transaction, "activate": True})
    equal((await topic(server, name, "priority_charging"))[transaction]["by"], "central system", "priority")
    await point.call(v21.call.NotifyPriorityCharging(transaction_id=transaction, activated=False), suppress=False)
    equal(await topic(server, name, "priority_charging"), {}, "priority that the driver took back")
    await command(server, name, "AFRRSignal", {"timestamp": now(), "signal": 40})
    equal((await topic(server, name, "afrr_signal"))["newest"]["signal"], 40, "the signal of the grid")
    await point.end(transaction, Decimal(900), "Local")
    equal(await topic(server, name, "allowed_energy_transfer"), {}, "when it is over")


@story("controls and alarms of the grid", NEWEST)
async def grid(server: Server, name: str, version: str, point: Any) -> None:
    def control(number: str, limit: float) -> dict[str, Any]:
        return {"isDefault": False, "controlId": number, "controlType": "LimitMaxDischarge",
                "limitMaxDischarge": {"priority": 1, "pctMaxDischargePower": limit}}

    await command(server, name, "SetDERControl", control("C-1", 80.0))
    point.answers["SetDERControl"] = {"status": "Accepted", "superseded_ids": ["C-1"]}
    await command(server, name, "SetDERControl", control("C-2", 50.0))
    held = await topic(server, name, "der_control")
    equal({key: value["superseded"] for key, value in held.items()}, {"C-1": True, "C-2": False}, "controls")
    await point.call(v21.call.NotifyDERStartStop(control_id="C-2", started=True, timestamp=now()), suppress=False)
    assert (await topic(server, name, "der_control"))["C-2"]["started"], "it has started"
    await command(server, name, "GetDERControl", {"requestId": 5})
    reported = [{"id": "C-3", "is_default": False, "is_superseded": False,
                 "limit_max_discharge": {"priority": 2, "pct_max_discharge_power": 30.0}}]
    await point.call(v21.call.ReportDERControl(request_id=5, limit_max_discharge=reported, tbc=False), suppress=False)
    equal(list(await topic(server, name, "der_control")), ["C-3"], "what the station says it holds")
    await command(server, name, "ClearDERControl", {"isDefault": False, "controlId": "C-3"})
    equal(await topic(server, name, "der_control"), {}, "cleared")

    api = server.api()
    mine = lambda: [alarm["code"] for alarm in api.get("/alarms")["items"] if alarm["twin"] == name]  # noqa: E731
    for ended in (False, True):
        await point.call(v21.call.NotifyDERAlarm(control_type="HVMustTrip", grid_event_fault="OverVoltage",
                                                 alarm_ended=ended, timestamp=now()), suppress=False)
        equal(await api_call(mine), [] if ended else ["DerOverVoltage"], "the alarm")


@story("batteries that are swapped", NEWEST)
async def swap(server: Server, name: str, version: str, point: Any) -> None:
    await command(server, name, "RequestBatterySwap",
                  {"requestId": 3, "idToken": {"idToken": "SWAP-1", "type": "ISO14443"}})

    async def tell(event: str, slot: int, serial: str, soc: float) -> None:
        battery = {"evse_id": slot, "serial_number": serial, "so_c": soc, "so_h": 95.0}
        await point.call(v21.call.BatterySwap(event_type=event, request_id=3, battery_data=[battery],
                                              id_token={"id_token": "SWAP-1", "type": "ISO14443"}), suppress=False)

    await tell("BatteryIn", 1, "B-EMPTY", 12.0)
    await tell("BatteryOut", 2, "B-FULL", 97.0)
    held = await topic(server, name, "battery")
    equal({slot: (value["serial_number"], value["soc"]) for slot, value in held.items()}, {"1": ("B-EMPTY", 0.12)},
          "batteries in the station")
    events = [note["event"] for note in await notes(server, name, "battery_swap")]
    equal(events, ["BatteryOut", "BatteryIn", "Requested"], "the swap")


@story("values in a stream without answers", NEWEST)
async def streams(server: Server, name: str, version: str, point: Any) -> None:
    data = {"id": 4, "variable_monitoring_id": 11, "params": {"interval": 10, "values": 5}}
    opened = await point.call(v21.call.OpenPeriodicEventStream(constant_stream_data=data), suppress=False)
    equal(opened.status, "Accepted", "open")
    values = {"id": 4, "pending": 0, "basetime": now(), "data": [{"t": n / 2, "v": str(20 + n)} for n in range(4)]}
    await point.socket.send(json.dumps([6, "send-1", "NotifyPeriodicEventStream", values]))
    await point.heartbeat()
    kept = await notes(server, name, "stream_values")
    equal([value["value"] for value in kept[0]["values"]], ["20", "21", "22", "23"], "values")
    await command(server, name, "AdjustPeriodicEventStream", {"id": 4, "params": {"interval": 60}})
    equal((await topic(server, name, "event_stream"))["4"]["params"], {"interval": 60}, "parameters")
    point.answers["GetPeriodicEventStream"] = {"constant_stream_data": [data]}
    await command(server, name, "GetPeriodicEventStream", {})
    equal(list(await topic(server, name, "event_stream")), ["4"], "streams")
    await point.call(v21.call.ClosePeriodicEventStream(id=4), suppress=False)
    equal(await topic(server, name, "event_stream"), {}, "closed")


@story("a transaction that the station has forgotten", NEWER)
async def forgotten(server: Server, name: str, version: str, point: Any) -> None:
    api = server.api()
    transaction = await point.begin(1, "GONE-1", Decimal(1000))
    await point.meter(transaction, Decimal(3500), 7_000, 50)
    point.seq_no += 1  # one event is lost
    await point.meter(transaction, Decimal(4000), 7_000, 51)
    shown = lambda: api.get("/transactions", station=name)["items"][0]  # noqa: E731
    equal((await api_call(shown))["flags"], ["sequence_gap"], "flags")
    await point.socket.close()
    async with station(server.ocpp, name, version, kind=KINDS[version]) as back:
        back.answers["GetTransactionStatus"] = {"ongoing_indicator": False, "messages_in_queue": False}
        await back.boot()
        if version == "2.1":
            await command(server, name, "GetTransactionStatus", {"transactionId": transaction})
        else:
            # it is asked by itself, some time after it is back
            await until(lambda: "GetTransactionStatus" in back.requests, "the question", within_s=60)
        ended = await until(lambda: (found := shown())["state"] == "ended" and found, "the end")
        equal((Decimal(ended["energy_wh"]), ended["flags"]), (Decimal(3000), ["sequence_gap", "end_lost"]), "the end")
        # what it says after all counts
        back.evse, back.seq_no = 1, 2
        await back.meter(transaction, Decimal(3800), 7_000, 50)
        back.seq_no = 4
        await back.end(transaction, Decimal(4600), "Local")
        after = await api_call(shown)
        equal((Decimal(after["energy_wh"]), after["flags"], after["stopped_reason"]), (Decimal(3600), [], "Local"),
              "the end after all")
    await asyncio.sleep(0)
