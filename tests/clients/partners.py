"""Partners by OCPI 2.2.1: a provider of drivers that this project did not write, against a real server and real stations."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import Any

from ocpp import v16, v201
from ocpp.routing import on

import charge_points
import ocpi_peer
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


stories.append(("a driver of a partner charges by its app, OCPP 1.6", lambda s, b: charge(s, "1.6", b)))
stories.append(("a driver of a partner charges by its app, OCPP 2.0.1", lambda s, b: charge(s, "2.0.1", b)))


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
