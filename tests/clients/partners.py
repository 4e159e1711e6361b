"""Partners by OCPI 2.2.1: a provider of drivers that this project did not write, against a real server and real stations."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path
from typing import Any

from ocpp import v16, v201
from ocpp.routing import on

import charge_points
import ocpi_peer
from certificates import authority, certificate, pem
from harness import ApiError, Report, Server, api_call, arguments, checked, equal, until
from ocpi_peer import PORT, TOKEN_A, Book, Cpo, token

Story = Callable[[Server, Any], Awaitable[None]]
stories: list[tuple[str, Story]] = []


def story(name: str) -> Callable[[Story], Story]:
    def add(function: Story) -> Story:
        stories.append((name, function))
        return function

    return add


class Obeys:
    """What both kinds of station do when they are asked, and what they were asked."""

    def asked(self, what: str, **values: Any) -> None:
        self.orders = [*getattr(self, "orders", []), (what, values)]


class Station16(Obeys, charge_points.Station16):
    @on("RemoteStartTransaction")
    def on_start(self, id_tag: str, connector_id: int = 0, **_: Any) -> Any:
        self.asked("start", token=id_tag, evse=connector_id)
        return v16.call_result.RemoteStartTransaction(status="Accepted")

    @on("ReserveNow")
    def on_reserve(self, id_tag: str, connector_id: int, reservation_id: int, **_: Any) -> Any:
        self.asked("reserve", token=id_tag, evse=connector_id, number=reservation_id)
        return v16.call_result.ReserveNow(status="Accepted")

    @on("CancelReservation")
    def on_cancel(self, reservation_id: int) -> Any:
        self.asked("cancel", number=reservation_id)
        return v16.call_result.CancelReservation(status="Accepted")

    @on("UnlockConnector")
    def on_unlock(self, connector_id: int) -> Any:
        self.asked("unlock", evse=connector_id)
        return v16.call_result.UnlockConnector(status="UnlockFailed")


class Station201(Obeys, charge_points.Station201):
    @on("RequestStartTransaction")
    def on_start(self, id_token: dict[str, Any], evse_id: int = 0, **_: Any) -> Any:
        self.asked("start", token=id_token["id_token"], evse=evse_id)
        return v201.call_result.RequestStartTransaction(status="Accepted")

    @on("ReserveNow")
    def on_reserve(self, id: int, id_token: dict[str, Any], evse_id: int = 0, **_: Any) -> Any:
        self.asked("reserve", token=id_token["id_token"], evse=evse_id, number=id)
        return v201.call_result.ReserveNow(status="Occupied")

    @on("CancelReservation")
    def on_cancel(self, reservation_id: int) -> Any:
        self.asked("cancel", number=reservation_id)
        return v201.call_result.CancelReservation(status="Accepted")

    @on("UnlockConnector")
    def on_unlock(self, evse_id: int, **_: Any) -> Any:
        self.asked("unlock", evse=evse_id)
        return v201.call_result.UnlockConnector(status="Unlocked")


charge_points.CLASSES.update({"1.6": Station16, "2.0.1": Station201})


def twin(api: Any, id: str, model: str, **properties: Any) -> None:
    api.call("PUT", f"/twins/{id}", {"model": f"dtmi:voltwin:{model};1", "properties": properties})


def link(api: Any, source: str, name: str, target: str) -> None:
    api.call("PATCH", f"/twins/{source}", {"relationships": [{"name": name, "target": target}]})


def build(api: Any, site: str, stations: list[str], kind: str = "cType2") -> None:
    """A site that OCPI can show, with stations of one connector."""
    twin(api, site, "Site", name=f"Site {site}", address="Quay 1", city="Hamburg", country="DEU", postal_code="20457",
         time_zone="Europe/Berlin", lat_deg=53.5436, lon_deg=9.9889)
    for name in stations:
        api.add_station(name)
        twin(api, f"{name}:1", "EVSE", evse_id=1)
        twin(api, f"{name}:1:1", "Connector", evse_id=1, connector_id=1, type=kind, max_power_w=22000.0)
        link(api, name, "hasEvse", f"{name}:1")
        link(api, f"{name}:1", "hasConnector", f"{name}:1:1")
        link(api, site, "contains", name)


async def connect(server: Server) -> Cpo:
    """A partner that registers with us; the one before leaves."""
    api = server.api()
    for party in (await api_call(api.pages, "/ocpi/parties")):
        if party["state"] == "registered":
            await api_call(api.call, "DELETE", f"/ocpi/parties/{party['id']}")
    Book.reset()
    added = await api_call(api.post, "/ocpi/parties", {"name": "Provider"})
    equal(added["state"], "invited", "a new partner")
    cpo = Cpo(added["versions_url"], added["token"])
    cpo.id = added["id"]
    await asyncio.to_thread(cpo.discover)
    await asyncio.to_thread(cpo.register, "b" * 40)
    return cpo


def pushed(module: str, id: str) -> dict[str, Any] | None:
    return Book.objects.get((module, id))


@story("a partner registers with us, changes its token and leaves")
async def they_register(server: Server, bodies: Any) -> None:
    api = server.api()
    cpo = await connect(server)
    shown = await api_call(api.get, f"/ocpi/parties/{cpo.id}")
    equal((shown["state"], shown["roles"][0]["party_id"]), ("registered", "TNM"), "the partner")
    assert {"locations", "tokens", "commands"} <= set(shown["modules"]), shown
    first = cpo.token
    answer = await asyncio.to_thread(cpo.request, "POST", cpo.urls["credentials"], ocpi_peer.credentials("b" * 40))
    equal(answer.status_code, 405, "registering twice")
    Book.tokens_c = ["d" * 40]
    changed = await asyncio.to_thread(cpo.data, "PUT", cpo.urls["credentials"], ocpi_peer.credentials("d" * 40))
    cpo.token = changed["token"]
    assert cpo.token != first
    answer = await asyncio.to_thread(cpo.request, "GET", cpo.urls["locations"], None, first)
    equal((answer.status_code, answer.json()["status_code"]), (401, 2000), "the old token")
    await asyncio.to_thread(cpo.data, "GET", cpo.urls["locations"])
    await asyncio.to_thread(cpo.data, "DELETE", cpo.urls["credentials"])
    answer = await asyncio.to_thread(cpo.request, "GET", cpo.urls["locations"])
    equal(answer.status_code, 401, "after leaving")


@story("we register with a partner by its address and token")
async def we_register(server: Server, bodies: Any) -> None:
    api = server.api()
    Book.reset()
    url = f"http://127.0.0.1:{PORT}/ocpi/versions"
    try:
        await api_call(api.post, "/ocpi/parties", {"name": "Provider", "url": url, "token": "not the token"})
        raise AssertionError("a wrong token was taken")
    except ApiError as error:
        equal(error.status, 409, "a wrong token")
    added = await api_call(api.post, "/ocpi/parties", {"name": "Provider", "url": url, "token": TOKEN_A})
    equal((added["state"], added["token"]), ("registered", None), "the partner")
    ours = Book.cpo["credentials"]
    equal((str(ours["roles"][0]["party_id"]), len(ours["token"])), ("VOL", 43), "what the partner was given")
    assert {e["identifier"] for e in Book.cpo["endpoints"]["endpoints"]} >= {"locations", "cdrs"}, Book.cpo
    await api_call(api.call, "DELETE", f"/ocpi/parties/{added['id']}")
    equal(Book.tokens_c, [], "the partner after we left")


@story("locations, page by page, and as they change")
async def locations(server: Server, bodies: Any) -> None:
    api = server.api()
    names = [f"LOC-{n}" for n in range(3)]
    for n, name in enumerate(names):
        await api_call(build, api, f"PAGE-{n}", [name])
    gaps = await api_call(api.get, "/ocpi/gaps")
    assert not [gap for gap in gaps if gap["twin"].startswith(("PAGE", "LOC"))], gaps
    cpo = await connect(server)

    def shown() -> list[dict[str, Any]]:
        items = [item for item in cpo.pages("locations", 2) if item["id"].startswith("PAGE")]
        return items if len(items) == 3 and all(item.get("evses") for item in items) else []

    items = await until(shown, "three locations")
    # The order of a list is that in which its objects were first shown, which is not promised to be that of their making.
    evse = next(item for item in items if item["id"] == "PAGE-0")["evses"][0]
    equal((evse["uid"], evse["evse_id"], evse["status"]), ("LOC-0:1", "DE*VOL*ELOC*0*1", "UNKNOWN"), "EVSE")
    plug = evse["connectors"][0]
    equal((plug["standard"], plug["power_type"], plug["max_amperage"]), ("IEC_62196_T2", "AC_3_PHASE", 32), "connector")
    one = await asyncio.to_thread(cpo.data, "GET", f"{cpo.urls['locations']}/page-0")
    equal(one["id"], "PAGE-0", "ids know no case")
    found = await asyncio.to_thread(cpo.data, "GET", f"{cpo.urls['locations']}/PAGE-0/LOC-0%3A1/1")
    equal(found["id"], "1", "one connector")
    later = await asyncio.to_thread(cpo.pages, "locations", 100, date_from="2100-01-01T00:00:00Z")
    equal(later, [], "nothing changed in the future")
    before = one["last_updated"]
    async with charge_points.station(server.ocpp, "LOC-0", "1.6") as point:
        await point.boot()
        await point.status(1, "Available")
        await until(lambda: status_of(cpo, "PAGE-0") == "AVAILABLE", "the status in what is read")
        await until(lambda: any(p.startswith("locations") and i == "PAGE-0" for p, i, _ in Book.history), "a push")
        await until(lambda: str(pushed("locations", "PAGE-0")["evses"][0]["status"].value if hasattr(
            pushed("locations", "PAGE-0")["evses"][0]["status"], "value") else
            pushed("locations", "PAGE-0")["evses"][0]["status"]) == "AVAILABLE", "the status at the partner")
        mid = (await asyncio.to_thread(cpo.data, "GET", f"{cpo.urls['locations']}/PAGE-0"))["last_updated"]
        assert mid > before, (before, mid)
        await point.status(1, "Available")
        await asyncio.sleep(1.5)
        same = (await asyncio.to_thread(cpo.data, "GET", f"{cpo.urls['locations']}/PAGE-0"))["last_updated"]
        equal(same, mid, "last_updated when nothing changed")


def status_of(cpo: Cpo, location: str) -> str:
    return cpo.data("GET", f"{cpo.urls['locations']}/{location}")["evses"][0]["status"]


async def charge(server: Server, version: str, bodies: Any) -> None:
    api = server.api()
    name, site, uid = f"CMD-{version}", f"CMD-SITE-{version}", f"APP-{version}"
    await api_call(build, api, site, [name])
    cpo = await connect(server)
    await until(lambda: cpo.request("GET", f"{cpo.urls['locations']}/{site}").status_code == 200, "the location")
    driver = token(uid, "ALLOWED", kind="APP_USER")
    where = {"location_id": site, "evse_uid": f"{name}:1"}
    offline = await asyncio.to_thread(partial(cpo.command, "START_SESSION", "s0", token=driver, **where))
    equal(offline["result"], "REJECTED", "a station that is away")
    async with charge_points.station(server.ocpp, name, version) as point:
        await point.boot()
        await point.status(1, "Available")
        taken = await asyncio.to_thread(
            partial(cpo.command, "START_SESSION", "s1", token=driver, authorization_reference="REF-1", **where))
        equal(taken["result"], "ACCEPTED", "START_SESSION")
        await until(lambda: Book.results.get("s1"), "the result of START_SESSION")
        equal(Book.results["s1"]["result"].value, "ACCEPTED", "the result of START_SESSION")
        equal(point.orders[-1], ("start", {"token": uid, "evse": 1}), "what the station was asked")
        transaction = await point.begin(1, uid, Decimal(1000))
        session = await until(lambda: next((o for (m, _), o in Book.objects.items() if m == "sessions"), None), "a session")
        equal((session["status"].value, str(session["authorization_reference"]), session["auth_method"].value),
              ("ACTIVE", "REF-1", "COMMAND"), "the session")
        equal((str(session["location_id"]), str(session["evse_uid"])), (site, f"{name}:1"), "where")
        await point.meter(transaction, Decimal(4250), 11_000, 41)
        id = str(session["id"])
        await until(lambda: pushed("sessions", id)["kwh"] == 3.25, "the energy at the partner", 15)
        unknown = await asyncio.to_thread(partial(cpo.command, "STOP_SESSION", "x", session_id="987654"))
        equal(unknown["result"], "UNKNOWN_SESSION", "a session that is not theirs")
        taken = await asyncio.to_thread(partial(cpo.command, "STOP_SESSION", "s2", session_id=id))
        equal(taken["result"], "ACCEPTED", "STOP_SESSION")
        equal(await asyncio.wait_for(point.remote_stop, 10), transaction, "the transaction to stop")
        await until(lambda: Book.results.get("s2"), "the result of STOP_SESSION")
        await point.end(transaction, Decimal(8346), "Remote")
        await point.status(1, "Available")
        cdr = await until(lambda: pushed("cdrs", id), "the CDR")
        equal((cdr["total_energy"], str(cdr["session_id"]), cdr["auth_method"].value), (7.346, id, "COMMAND"), "CDR")
        equal(str(cdr["cdr_token"]["contract_id"]), driver["contract_id"], "the contract")
        await until(lambda: pushed("sessions", id)["status"].value == "COMPLETED", "the end at the partner")
        read = await asyncio.to_thread(cpo.pages, "cdrs", 100)
        equal([item["id"] for item in read], [id], "CDRs that the partner reads")
        equal([item["id"] for item in await asyncio.to_thread(cpo.pages, "sessions", 1)], [id], "sessions")
        await others(cpo, point, version, site, name, driver)
    foreign = await connect(server)
    equal(await asyncio.to_thread(foreign.pages, "cdrs", 100), [], "CDRs of another partner")


async def others(cpo: Cpo, point: Any, version: str, site: str, name: str, driver: dict[str, Any]) -> None:
    """Reserving and unlocking."""
    where = {"location_id": site, "evse_uid": f"{name}:1"}
    reserve = partial(cpo.command, "RESERVE_NOW", "r1", token=driver, expiry_date="2100-01-01T00:00:00Z",
                      reservation_id="RES-1", **where)
    equal((await asyncio.to_thread(reserve))["result"], "ACCEPTED", "RESERVE_NOW")
    await until(lambda: Book.results.get("r1"), "the result of RESERVE_NOW")
    expected = "ACCEPTED" if version == "1.6" else "EVSE_OCCUPIED"
    equal(Book.results["r1"]["result"].value, expected, "the result of RESERVE_NOW")
    number = point.orders[-1][1]["number"]
    await asyncio.to_thread(partial(cpo.command, "CANCEL_RESERVATION", "r2", reservation_id="RES-1"))
    await until(lambda: Book.results.get("r2"), "the result of CANCEL_RESERVATION")
    equal(Book.results["r2"]["result"].value, "CANCELED_RESERVATION", "the result of CANCEL_RESERVATION")
    equal(point.orders[-1], ("cancel", {"number": number}), "what was cancelled")
    await asyncio.to_thread(partial(cpo.command, "UNLOCK_CONNECTOR", "u1", connector_id="1", **where))
    await until(lambda: Book.results.get("u1"), "the result of UNLOCK_CONNECTOR")
    expected = "FAILED" if version == "1.6" else "ACCEPTED"
    equal(Book.results["u1"]["result"].value, expected, "the result of UNLOCK_CONNECTOR")


class Limited16(Station16):
    @on("SetChargingProfile")
    def on_profile(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        self.asked("profile", evse=connector_id, profile=cs_charging_profiles)
        return v16.call_result.SetChargingProfile(status="Accepted")

    @on("ClearChargingProfile")
    def on_clear(self, **which: Any) -> Any:
        self.asked("clear", **which)
        return v16.call_result.ClearChargingProfile(status="Accepted")

    @on("GetCompositeSchedule")
    def on_composite(self, connector_id: int, duration: int, **_: Any) -> Any:
        self.asked("composite", evse=connector_id, duration=duration)
        periods = [{"startPeriod": 0, "limit": 7000.0}, {"startPeriod": 300, "limit": 3500.0}]
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": periods, "duration": duration}
        return v16.call_result.GetCompositeSchedule(status="Accepted", connector_id=connector_id,
                                                    schedule_start=charge_points.now(), charging_schedule=schedule)


class Limited201(Station201):
    @on("SetChargingProfile")
    def on_profile(self, evse_id: int, charging_profile: dict[str, Any]) -> Any:
        self.asked("profile", evse=evse_id, profile=charging_profile)
        return v201.call_result.SetChargingProfile(status="Accepted")

    @on("ClearChargingProfile")
    def on_clear(self, **which: Any) -> Any:
        self.asked("clear", **which)
        return v201.call_result.ClearChargingProfile(status="Accepted")

    @on("GetCompositeSchedule")
    def on_composite(self, duration: int, evse_id: int, **_: Any) -> Any:
        self.asked("composite", evse=evse_id, duration=duration)
        periods = [{"startPeriod": 0, "limit": 7000.0}, {"startPeriod": 300, "limit": 3500.0}]
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": periods, "duration": duration,
                    "scheduleStart": charge_points.now(), "evseId": evse_id}
        return v201.call_result.GetCompositeSchedule(status="Accepted", schedule=schedule)


async def limits(server: Server, version: str, kind: type, bodies: Any) -> None:
    api = server.api()
    name, site, uid = f"LIM-{version}", f"LIM-SITE-{version}", f"LIM-TAG-{version}"
    await api_call(build, api, site, [name])
    cpo = await connect(server)
    await until(lambda: cpo.request("GET", f"{cpo.urls['locations']}/{site}").status_code == 200, "the location")
    await asyncio.to_thread(cpo.put_token, token(uid, "ALWAYS"))
    wish = {"charging_rate_unit": "W", "duration": 600, "min_charging_rate": 1400,
            "charging_profile_period": [{"start_period": 0, "limit": 11000}, {"start_period": 120, "limit": 3680.5}]}
    async with charge_points.station(server.ocpp, name, version, kind=kind) as point:
        await point.boot()
        await point.status(1, "Available")
        transaction = await point.begin(1, uid, Decimal(0))
        session = await until(lambda: next((str(o["id"]) for (m, _), o in Book.objects.items() if m == "sessions"), None),
                              "a session")
        equal(await asyncio.to_thread(cpo.profile, "PUT", "424242", "p0", wish), "UNKNOWN_SESSION", "not theirs")
        equal(await asyncio.to_thread(cpo.profile, "PUT", session, "p1", wish), "ACCEPTED", "a wish")
        equal(await until(lambda: Book.results.get("p1"), "the result"), {"result": "ACCEPTED"}, "the result of the wish")
        what, order = point.orders[-1]
        equal((what, order["evse"]), ("profile", 1), "what the station was told")
        profile = order["profile"]
        equal((profile["charging_profile_purpose"], str(profile["transaction_id"])), ("TxProfile", transaction), "for what")
        schedule = profile["charging_schedule"]
        schedule = schedule[0] if isinstance(schedule, list) else schedule
        told = [(p["start_period"], p["limit"]) for p in schedule["charging_schedule_period"]]
        equal((told, schedule["duration"], schedule["min_charging_rate"], schedule["charging_rate_unit"]),
              ([(0, 11000), (120, 3680.5)], 600, 1400, "W"), "how fast")
        records = await api_call(api.pages, f"/twins/{name}/records", topic="charging_profile")
        equal(len(records), 1, "the profile as a record")
        equal(await asyncio.to_thread(partial(cpo.profile, "GET", session, "p2", duration=600)), "ACCEPTED", "a question")
        active = await until(lambda: Book.results.get("p2"), "the active profile")
        second = ocpi_peer.second.ActiveChargingProfileResult.from_dict(active)
        equal(second.result.value, "ACCEPTED", "the active profile")
        shown = active["profile"]["charging_profile"]
        equal([(p["start_period"], p["limit"]) for p in shown["charging_profile_period"]], [(0, 7000), (300, 3500)],
              "the station's own word")
        equal(point.orders[-1], ("composite", {"evse": 1, "duration": 600}), "what the station was asked")
        equal(await asyncio.to_thread(cpo.profile, "DELETE", session, "p3"), "ACCEPTED", "taking it back")
        equal(await until(lambda: Book.results.get("p3"), "the result"), {"result": "ACCEPTED"}, "the result of that")
        equal(point.orders[-1][0], "clear", "what the station was told")
        bad = {**wish, "charging_profile_period": [{"start_period": 5, "limit": 1}]}
        answer = await asyncio.to_thread(cpo.request, "PUT", f"{cpo.urls['chargingprofiles']}/{session}",
                                         {"charging_profile": bad, "response_url": "http://127.0.0.1:1/x"})
        equal((answer.status_code, answer.json()["status_code"]), (400, 2001), "a profile that does not begin at 0")
        await point.end(transaction, Decimal(500), "Local")
        await until(lambda: pushed("sessions", session)["status"].value == "COMPLETED", "the end at the partner")
        equal(await asyncio.to_thread(cpo.profile, "PUT", session, "p4", wish), "REJECTED", "a session that has ended")


for _version, _kind in (("1.6", Limited16), ("2.0.1", Limited201)):
    stories.append((f"a partner says how fast a session charges, OCPP {_version}",
                    lambda s, b, version=_version, kind=_kind: limits(s, version, kind, b)))


stories.append(("a driver of a partner charges by its app, OCPP 1.6", lambda s, b: charge(s, "1.6", b)))
stories.append(("a driver of a partner charges by its app, OCPP 2.0.1", lambda s, b: charge(s, "2.0.1", b)))


PRICES = {
    "currency": "EUR",
    "elements": [{"components": [
        {"kind": "energy", "price": "0.45", "tax_percent": "19"},
        {"kind": "time", "price": "1.20", "tax_percent": "19", "step": 60},
        {"kind": "parking", "price": "6.00", "tax_percent": "7", "step": 60},
        {"kind": "flat", "price": "0.50", "tax_percent": "7"},
    ]}],
}
PART_OF = {"ENERGY": "total_energy_cost", "TIME": "total_time_cost", "PARKING_TIME": "total_parking_cost",
           "FLAT": "total_fixed_cost"}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def cent(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def priced(cdr: dict[str, Any]) -> dict[str, tuple[Decimal, Decimal]]:
    """What a CDR comes to, by nothing but its own tariff, periods and times: net and with VAT, a part at a time."""
    used = {"ENERGY": Decimal(0), "TIME": Decimal(0), "PARKING_TIME": Decimal(0), "FLAT": Decimal(1)}
    starts = [instant(p["start_date_time"]) for p in cdr["charging_periods"]] + [instant(cdr["end_date_time"])]
    for period, start, end in zip(cdr["charging_periods"], starts, starts[1:]):
        assert period["tariff_id"] == cdr["tariffs"][0]["id"], period
        kinds = {dimension["type"]: Decimal(dimension["volume"]) for dimension in period["dimensions"]}
        used["ENERGY"] += kinds.get("ENERGY", Decimal(0)) * 1000
        kind = "PARKING_TIME" if "PARKING_TIME" in kinds else "TIME"
        used[kind] += Decimal((end - start) // timedelta(microseconds=1)) / 1_000_000
    parts = {}
    for component in cdr["tariffs"][0]["elements"][0]["price_components"]:
        kind, step = component["type"], Decimal(component["step_size"])
        unit = {"ENERGY": Decimal(1000), "FLAT": Decimal(1)}.get(kind, Decimal(3600))
        billed = (used[kind] / step).to_integral_value(ROUND_CEILING) * step
        net = cent(billed * Decimal(component["price"]) / unit)
        if net or kind == "FLAT":
            parts[PART_OF[kind]] = (net, net + cent(net * Decimal(component["vat"]) / 100))
    return parts


def sums(price: dict[str, Any]) -> tuple[Decimal, Decimal]:
    return Decimal(price["excl_vat"]), Decimal(price["incl_vat"])


def exact(cpo: Cpo, module: str) -> list[dict[str, Any]]:
    """All objects of a module, their numbers as the decimals that they are."""
    cpo.pages(module, 100)
    answer = cpo.request("GET", cpo.urls[module])
    return json.loads(answer.text, parse_float=Decimal)["data"]


@story("a partner is told what a session costs, to the cent, and gets a credit where it comes to something else")
async def costs(server: Server, bodies: Any) -> None:
    api = server.api()
    await api_call(build, api, "COST-SITE", ["COST"])
    await api_call(api.post, "/tariffs", {"id": "all-four", "name": "All four", "tariff": PRICES})
    await api_call(api.post, "/tariff-assignments", {"scope": "station", "target": "COST", "tariff": "all-four"})
    cpo = await connect(server)
    await until(lambda: cpo.request("GET", f"{cpo.urls['locations']}/COST-SITE").status_code == 200, "the location")
    await asyncio.to_thread(cpo.put_token, token("COST-1", "ALWAYS"))
    begin = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=1)
    async with charge_points.station(server.ocpp, "COST", "2.0.1") as point:
        await point.boot()
        await point.status(1, "Available")

        async def event(kind: str, seq_no: int, second: int, wh: int, state: str, **more: Any) -> Any:
            at = (begin + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
            energy = {"value": wh, "measurand": "Energy.Active.Import.Register", "unit_of_measure": {"unit": "Wh"}}
            return await point.call(v201.call.TransactionEvent(
                event_type=kind, timestamp=at, trigger_reason="MeterValuePeriodic", seq_no=seq_no,
                transaction_info={"transaction_id": "COST-TX", "charging_state": state},
                evse={"id": 1, "connector_id": 1}, meter_value=[{"timestamp": at, "sampled_value": [energy]}], **more),
                suppress=False)

        await event("Started", 0, 0, 1000, "Charging", id_token={"id_token": "COST-1", "type": "ISO14443"})
        await event("Updated", 1, 60, 6000, "Charging")

        def running() -> Any:
            found = [s for s in exact(cpo, "sessions") if s["kwh"] == 5]
            return found[0] if found else None

        session = await until(running, "the running session with its energy", 20)
        # 5 kWh, one minute, the flat fee: 2.25 + 0.02 + 0.50, with VAT 2.68 + 0.02 + 0.54
        equal(sums(session["total_cost"]), (Decimal("2.77"), Decimal("3.24")), "what it costs so far")
        ended = await event("Ended", 3, 100, 9000, "Idle", id_token={"id_token": "COST-1", "type": "ISO14443"})
        id = session["id"]
        await until(lambda: pushed("cdrs", id), "the CDR")
        first = exact(cpo, "cdrs")[0]
        # all 100 s charge: 8 kWh, 2 minutes
        expected = {"total_energy_cost": (Decimal("3.60"), Decimal("4.28")), "total_time_cost": (Decimal("0.04"), Decimal("0.05")),
                    "total_fixed_cost": (Decimal("0.50"), Decimal("0.54"))}
        equal(priced(first), expected, "what the CDR comes to by itself")
        equal({part: sums(first[part]) for part in PART_OF.values() if part in first}, expected, "its parts")
        equal(sums(first["total_cost"]), (Decimal("4.14"), Decimal("4.87")), "its total")
        equal(Decimal(str(ended.total_cost)), Decimal("4.87"), "what the station was told")
        equal((first["total_energy"], first["total_time"]), (8, Decimal("0.0278")), "energy and time")
        told = await until(lambda: next((s for s in exact(cpo, "sessions") if s["status"] == "COMPLETED"), None), "the end")
        equal(sums(told["total_cost"]), (Decimal("4.14"), Decimal("4.87")), "the session's total")

        # what the station kept while it was offline: the vehicle had stopped to charge
        await event("Updated", 2, 70, 9000, "SuspendedEV", offline=True)
        await until(lambda: pushed("cdrs", f"{id}-2"), "the CDR that follows the credit")
        all_three = {cdr["id"]: cdr for cdr in exact(cpo, "cdrs")}
        equal(sorted(all_three), [id, f"{id}-2", f"{id}-C"], "CDRs")
        back, second = all_three[f"{id}-C"], all_three[f"{id}-2"]
        equal((back["credit"], back["credit_reference_id"]), (True, id), "the credit")
        equal(sums(back["total_cost"]), (Decimal("-4.14"), Decimal("-4.87")), "the credit's total")
        ignored = ("id", "credit", "credit_reference_id", "total_cost", "last_updated")
        equal({k: v for k, v in back.items() if k not in ignored}, {k: v for k, v in first.items() if k not in ignored},
              "all else of the credit")
        equal(all_three[id], first, "the first CDR stays")
        expected |= {"total_parking_cost": (Decimal("0.10"), Decimal("0.11"))}
        equal(priced(second), expected, "what the second comes to by itself")
        equal({part: sums(second[part]) for part in PART_OF.values() if part in second}, expected, "its parts")
        owed = [sum(column) for column in zip(*(sums(cdr["total_cost"]) for cdr in all_three.values()))]
        equal(owed, [Decimal("4.24"), Decimal("4.98")], "what is owed in the end")
        receipt = await until(lambda: receipt_of(api, id), "the second receipt")
        equal([Decimal(receipt["cost"]["net"]), Decimal(receipt["cost"]["gross"])], owed, "our own receipt")
        order = [i for module, i, _ in Book.history if module == "cdrs"]
        equal(order, [id, f"{id}-C", f"{id}-2"], "what was sent, in order")


RESERVED = {
    "currency": "EUR",
    "elements": [
        {"components": [{"kind": "time", "price": "6", "tax_percent": "19", "step": 60},
                        {"kind": "flat", "price": "0.30", "tax_percent": "19"}],
         "restrictions": {"reservation": "reservation"}},
        {"components": [{"kind": "energy", "price": "0.45", "tax_percent": "19"}]},
    ],
}
OCMF = 'OCMF|{"FV":"1.0","RD":[{"TM":"2026-11-21T08:00:00,000+0000 S","RV":%s}]}|{"SD":"3045022100"}'


@story("a CDR has the reservation, by its own prices, and what the meter signed, byte for byte")
async def reserved(server: Server, bodies: Any) -> None:
    api = server.api()
    await api_call(build, api, "HELD-SITE", ["HELD"])
    await api_call(api.post, "/tariffs", {"id": "held", "name": "Held", "tariff": RESERVED})
    await api_call(api.post, "/tariff-assignments", {"scope": "station", "target": "HELD", "tariff": "held"})
    cpo = await connect(server)
    await until(lambda: cpo.request("GET", f"{cpo.urls['locations']}/HELD-SITE").status_code == 200, "the location")
    driver = token("HELD-1", "ALWAYS")
    await asyncio.to_thread(cpo.put_token, driver)
    async with charge_points.station(server.ocpp, "HELD", "1.6") as point:
        await point.boot()
        await point.status(1, "Available")
        where = {"location_id": "HELD-SITE", "evse_uid": "HELD:1"}
        reserve = partial(cpo.command, "RESERVE_NOW", "h1", token=driver, expiry_date="2100-01-01T00:00:00Z",
                          reservation_id="HELD-R", **where)
        equal((await asyncio.to_thread(reserve))["result"], "ACCEPTED", "RESERVE_NOW")
        await until(lambda: Book.results.get("h1"), "the result of RESERVE_NOW")
        await asyncio.sleep(1.5)
        transaction = await point.begin(1, "HELD-1", Decimal(0))
        at = charge_points.now()
        sampled = [{"value": OCMF % wh, "format": "SignedData", "context": context}
                   for wh, context in ((0, "Transaction.Begin"), (8000, "Transaction.End"))]
        await point.call(v16.call.StopTransaction(
            meter_stop=8000, timestamp=at, transaction_id=int(transaction), reason="Local",
            transaction_data=[{"timestamp": at, "sampledValue": sampled}]), suppress=False)
        cdr = await until(lambda: next(iter(exact(cpo, "cdrs")), None), "the CDR")
    # less than a minute held is a minute: 0.10 and 0.30, with VAT 0.12 and 0.36
    equal(sums(cdr["total_reservation_cost"]), (Decimal("0.40"), Decimal("0.48")), "the reservation")
    equal(sums(cdr["total_energy_cost"]), (Decimal("3.60"), Decimal("4.28")), "the energy")
    equal(sums(cdr["total_cost"]), (Decimal("4.00"), Decimal("4.76")), "the total")
    first, second = cdr["charging_periods"][:2]
    equal([d["type"] for d in first["dimensions"]], ["RESERVATION_TIME"], "the first period")
    assert cdr["start_date_time"] == first["start_date_time"] < second["start_date_time"], cdr
    signed = cdr["signed_data"]
    equal((signed["encoding_method"], [v["nature"] for v in signed["signed_values"]]), ("OCMF", ["Start", "End"]), "signed")
    found = [base64.b64decode(v["signed_data"]).decode() for v in signed["signed_values"]]
    equal(found, [OCMF % 0, OCMF % 8000], "byte for byte")


def receipt_of(api: Any, number: str) -> Any:
    receipt = api.get(f"/transactions/{number}/receipt")
    return receipt if receipt.get("revision") == 2 else None


@story("tokens decide at the station, by themselves or by their owner")
async def tokens(server: Server, bodies: Any) -> None:
    api = server.api()
    await api_call(build, api, "AUTH-SITE", ["AUTH"])
    cpo = await connect(server)
    for made in (token("ALWAYS-1", "ALWAYS"), token("DEAD-1", "ALWAYS", valid=False), token("ASK-1", "NEVER"),
                 token("ASK-2", "ALLOWED_OFFLINE")):
        await asyncio.to_thread(cpo.put_token, made)
    read = await asyncio.to_thread(cpo.data, "GET", f"{cpo.urls['tokens']}/NL/TNM/always-1")
    ocpi_peer.Token(**read)
    async with charge_points.station(server.ocpp, "AUTH", "2.0.1") as point:
        await point.boot()
        equal(await point.authorize("ALWAYS-1"), "Accepted", "whitelisted")
        equal(await point.authorize("DEAD-1"), "Blocked", "not valid")
        equal(Book.asked, [], "nobody was asked")
        equal(await point.authorize("ASK-1"), "Accepted", "asked")
        Book.allowed = "NO_CREDIT"
        equal(await point.authorize("ASK-2"), "NoCredit", "asked and refused")
        equal(Book.asked, ["ASK-1", "ASK-2"], "who was asked about")
        equal(await point.authorize("ASK-1"), "Accepted", "an answer is remembered")
        patch = f"{cpo.urls['tokens']}/NL/TNM/ALWAYS-1"
        await asyncio.to_thread(cpo.data, "PATCH", patch, {"valid": False, "last_updated": ocpi_peer.now()})
        equal(await point.authorize("ALWAYS-1"), "Blocked", "taken back")


@story("bad input is named and changes nothing")
async def bad_input(server: Server, bodies: Any) -> None:
    cpo = await connect(server)

    def check(method: str, url: str, body: Any, http: int, code: int, *words: str, **headers: str) -> None:
        answer = cpo.request(method, url, body, **headers)
        equal((answer.status_code, answer.json()["status_code"]), (http, code), f"{method} {url}")
        message = answer.json()["status_message"]
        assert all(word in message for word in words), (words, message)

    def all_of_it() -> None:
        urls = cpo.urls
        good = token("T-1", "ALWAYS")
        at = f"{urls['tokens']}/NL/TNM/T-1"
        check("PUT", at, {**good, "whitelist": 7}, 400, 2001, "whitelist")
        check("PUT", at, {k: v for k, v in good.items() if k != "issuer"}, 400, 2001, "issuer")
        check("PUT", at, {**good, "uid": "x" * 37}, 400, 2001, "uid")
        check("PUT", at, {**good, "uid": "T-2"}, 400, 2001, "uid")
        check("PUT", f"{urls['tokens']}/DE/ABC/T-1", {**good, "country_code": "DE", "party_id": "ABC"}, 400, 2001, "party_id")
        check("PATCH", at, {"valid": False}, 404, 2004)
        cpo.data("PUT", at, {**good, "whitelist": "SOMETIMES", "more": {"of": "this"}})
        check("PATCH", at, {"valid": False}, 400, 2001, "last_updated")
        check("GET", f"{urls['locations']}?limit=0", None, 400, 2001, "limit")
        check("GET", f"{urls['locations']}?date_from=x", None, 400, 2001, "date_from")
        check("GET", f"{urls['locations']}/NOWHERE", None, 404, 2003)
        check("GET", f"{urls['locations'].rsplit('/', 1)[0]}/hubclientinfo", None, 404, 2000)
        check("GET", urls["locations"], None, 400, 2001, "ocpi-to-party-id", **{"ocpi-to-party-id": "XXX"})
        start = {"token": good, "location_id": "NOWHERE", "response_url": "http://127.0.0.1:1/x"}
        check("POST", f"{urls['commands']}/START_SESSION", start, 200, 2003)
        for url in ("file:///etc/passwd", "ftp://a/b", "gopher://x"):
            check("POST", f"{urls['commands']}/START_SESSION", {**start, "response_url": url}, 400, 2001, "response_url")
        equal(cpo.data("POST", f"{urls['commands']}/DANCE", {})["result"], "NOT_SUPPORTED", "an unknown command")
        check("PUT", at, {**good, "issuer": "x" * 70_000}, 413, 2001)
        answer = cpo.request("GET", urls["locations"], None, "nobody's token")
        equal((answer.status_code, answer.json()["status_code"]), (401, 2000), "a wrong token")

    await asyncio.to_thread(all_of_it)


@story("what a partner misses while it is away reaches it when it is back")
async def away(server: Server, bodies: Any) -> None:
    api = server.api()
    await api_call(build, api, "AWAY-SITE", ["AWAY"])
    cpo = await connect(server)
    await until(lambda: cpo.request("GET", f"{cpo.urls['locations']}/AWAY-SITE").status_code == 200, "the location")
    Book.tokens_c = []
    async with charge_points.station(server.ocpp, "AWAY", "1.6") as point:
        await point.boot()
        await point.status(1, "Available")
        waiting = await until(lambda: [w for w in api.pages("/ocpi/outbox", dead="false") if w["object"] == "AWAY-SITE"],
                              "a push that waits")
        equal(waiting[0]["module"], "locations", "what waits")
        await until(lambda: [w for w in api.pages("/ocpi/outbox", dead="true") + api.pages("/ocpi/outbox", dead="false")
                             if w["object"] == "AWAY-SITE" and w["error"]], "a failure that is told", 15)
        Book.tokens_c = ["b" * 40]
        again = await api_call(api.post, f"/ocpi/parties/{cpo.id}/retry")
        await until(lambda: pushed("locations", "AWAY-SITE"), f"the location at the partner ({again})", 40)


class WithAuthority(Server):
    """`voltwin serve` that believes one more authority."""

    def spawn(self, *more: str) -> Any:
        return super().spawn("--ocpi-ca", str(self.folder / "authority.pem"), *more)


@story("partners are reached by https, and a certificate that is not accepted is told")
async def https(server: Server, bodies: Any) -> None:
    with WithAuthority(server.voltwin) as secure:
        ours, theirs = authority("Private authority of a partner"), authority("An authority nobody knows")
        (secure.folder / "authority.pem").write_bytes(pem(ours))
        secure.seed("admin")
        secure.start()
        api = secure.api()
        api.call("PUT", "/ocpi/settings", {"country_code": "DE", "party_id": "VOL", "name": "Volt", "website": None,
                                           "currency": "EUR", "url": secure.url})
        wrong = {"foreign": (certificate(secure.folder, "foreign", theirs, "127.0.0.1", 10), "nobody known here issued it"),
                 "old": (certificate(secure.folder, "old", ours, "127.0.0.1", -1), "it has expired"),
                 "other": (certificate(secure.folder, "other", ours, "127.0.0.2", 10), "it is for another name")}
        for files, why in wrong.values():
            with ocpi_peer.over_tls(bodies, *files) as url:
                Book.reset()
                try:
                    await api_call(api.post, "/ocpi/parties", {"name": "P", "url": f"{url}/ocpi/versions", "token": TOKEN_A})
                    raise AssertionError(f"a certificate was taken although {why}")
                except ApiError as error:
                    equal(error.status, 409, why)
                    assert f"the certificate of the partner is not accepted: {why}" in error.body, error.body
        good = certificate(secure.folder, "good", ours, "127.0.0.1", 10)
        with ocpi_peer.over_tls(bodies, *good) as url:
            Book.reset()
            party = await api_call(api.post, "/ocpi/parties",
                                   {"name": "P", "url": f"{url}/ocpi/versions", "token": TOKEN_A})
            equal((party["state"], party["trouble"]), ("registered", None), "the partner")
            shown = await api_call(api.get, f"/ocpi/parties/{party['id']}")
            assert shown["url"].startswith("https://"), shown
            await api_call(build, api, "TLS-1", ["TLS-A"])
            await until(lambda: pushed("locations", "TLS-1"), "the location at the partner", 40)
            port = int(url.rsplit(":", 1)[1])
        with ocpi_peer.over_tls(bodies, *wrong["old"][0], port=port):
            await api_call(build, api, "TLS-2", ["TLS-B"])
            trouble = await until(lambda: api.get(f"/ocpi/parties/{party['id']}")["trouble"], "the trouble", 40)
            equal(trouble["reason"], "the certificate of the partner is not accepted: it has expired", "the reason")
        with ocpi_peer.over_tls(bodies, *good, port=port):
            await until(lambda: pushed("locations", "TLS-2"), "what waited", 60)
            await until(lambda: api.get(f"/ocpi/parties/{party['id']}")["trouble"] is None, "no trouble any more", 20)


async def main() -> int:
    options = arguments(__doc__ or "").parse_args()
    report = Report()
    with Server(checked(options.voltwin)) as server:
        server.seed("admin")
        server.start()
        settings = {"country_code": "DE", "party_id": "VOL", "name": "Volt", "website": None, "currency": "EUR",
                    "url": server.url}
        server.api().call("PUT", "/ocpi/settings", settings)
        async with ocpi_peer.provider() as bodies:
            for name, function in stories:
                await report.run(name, partial(function, server, bodies), server, within_s=120)

            async def all_well() -> None:
                equal(bodies.wrong, [], "objects that the provider's models refuse")
                functional = [h for h in bodies.headers if "ocpi-from-party-id" in h]
                assert functional and all(h["ocpi-to-party-id"].upper() == "TNM" for h in functional), functional[:2]

            await report.run("every pushed object fits the provider's models", all_well, server)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
