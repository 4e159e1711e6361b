"""What charging costs, as drivers read it at the station: stations on PyPI `ocpp` in each version, told while they charge and
at the end. Every amount is worked out here a second time, in exact decimals."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from ocpp import v16, v21, v201
from ocpp.routing import on

import charge_points
from harness import Report, Server, api_call, arguments, checked, equal, until

Story = Callable[[Server], Awaitable[None]]
stories: list[tuple[str, Story]] = []
VENDOR = "org.openchargealliance.costmsg"

# 0.45 a kWh and 0.50 once, 19 % tax on both; 6.00 an hour without charging after 10 minutes
TARIFF = {
    "currency": "EUR",
    "elements": [{"components": [
        {"kind": "energy", "price": "0.45", "tax_percent": "19"},
        {"kind": "parking", "price": "6.00", "tax_percent": "19"},
        {"kind": "flat", "price": "0.50", "tax_percent": "19"},
    ]}],
    "idle_grace_s": 600,
}


def story(name: str) -> Callable[[Story], Story]:
    def add(function: Story) -> Story:
        stories.append((name, function))
        return function

    return add


def cent(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def gross(wh: int) -> Decimal:
    """What a session of this energy and no idle time costs: each line rounded by itself."""
    nets = [cent(Decimal(wh) * Decimal("0.45") / 1000), Decimal("0.50")]
    return sum((net + cent(net * Decimal("0.19")) for net in nets), Decimal(0))


def exact(number: Any) -> Decimal:
    return Decimal(str(number))


async def priced_station(server: Server, name: str, tariff: Any = None) -> Any:
    """A station with a tariff of its own."""
    api = server.api()
    await api_call(api.add_station, name)
    await api_call(api.post, "/tariffs", {"id": f"t-{name}", "name": name, "tariff": tariff or TARIFF})
    await api_call(api.post, "/tariff-assignments", {"scope": "station", "target": name, "tariff": f"t-{name}"})
    return api


async def command(server: Server, station: str, action: str, payload: dict[str, Any]) -> Any:
    body = {"action": action, "payload": payload}
    return await api_call(server.api().post, f"/stations/{station}/commands", body, wait_s=30)


class Shows201(charge_points.Station201):
    """Shows what it is told by `CostUpdated`."""

    @on("CostUpdated")
    def on_cost(self, total_cost: float, transaction_id: str) -> Any:
        self.costs = [*getattr(self, "costs", []), (transaction_id, exact(total_cost))]
        return v201.call_result.CostUpdated()


@story("OCPP 2.0.1: the running cost by CostUpdated when it has changed, the total at the end")
async def cost_updated(server: Server) -> None:
    api = await priced_station(server, "COST-201")
    async with charge_points.station(server.ocpp, "COST-201", "2.0.1", kind=Shows201) as point:
        await point.boot()
        await point.status(1, "Occupied")
        transaction = await point.begin(1, "DRIVER", Decimal(1000))
        await point.meter(transaction, Decimal(2000), 11_000, 40)
        equal(getattr(point, "costs", []), [], "not before the first period")
        await asyncio.sleep(1.2)
        await point.meter(transaction, Decimal(3000), 11_000, 41)
        await until(lambda: getattr(point, "costs", []), "the running cost")
        equal(point.costs, [(transaction, gross(2000))], "the running cost")
        await point.meter(transaction, Decimal(4000), 11_000, 42)
        await asyncio.sleep(1.2)
        equal(len(point.costs), 1, "tellings within one period")
        await point.meter(transaction, Decimal(4000), 11_000, 42)
        await until(lambda: len(point.costs) == 2, "the changed cost")
        equal(point.costs[-1], (transaction, gross(3000)), "the changed cost")
        await asyncio.sleep(1.2)
        await point.meter(transaction, Decimal(4000), 0, 42)
        await asyncio.sleep(0.7)
        equal(len(point.costs), 2, "tellings of an amount that is the same")
        ended = await point.event("Ended", "StopAuthorized", transaction, Decimal(8346), "Transaction.End",
                                  stopped_reason="Local")
        equal(exact(ended.total_cost), gross(7346), "the total")
        number = (await api_call(api.get, "/transactions", station="COST-201"))["items"][0]["number"]
        receipt = await until(lambda: (r := api.get(f"/transactions/{number}/receipt"))["final"] and r, "the receipt")
        equal(Decimal(receipt["cost"]["gross"]), gross(7346), "the receipt")


@story("OCPP 2.0.1: a station that does not know CostUpdated is asked once")
async def deaf(server: Server) -> None:
    api = await priced_station(server, "DEAF-201")
    async with charge_points.station(server.ocpp, "DEAF-201", "2.0.1") as point:
        await point.boot()
        transaction = await point.begin(1, "DRIVER", Decimal(0))
        for wh in (1000, 2000, 3000):
            await asyncio.sleep(1.1)
            await point.meter(transaction, Decimal(wh), 11_000, 40)
        await asyncio.sleep(0.5)
        sent = [c for c in (await api_call(api.get, "/commands", station="DEAF-201"))["items"]
                if c["action"] == "CostUpdated"]
        equal(len(sent), 1, "CostUpdated sent")


@story("OCPP 2.1: the running cost and the total with the answers")
async def cost_in_answers(server: Server) -> None:
    await priced_station(server, "COST-21")
    async with charge_points.station(server.ocpp, "COST-21", "2.1") as point:
        await point.boot()
        transaction = await point.begin(1, "DRIVER", Decimal(1000))
        early = await point.event("Updated", "MeterValuePeriodic", transaction, Decimal(2000), "Sample.Periodic")
        equal(early.total_cost, None, "not before the first period")
        await asyncio.sleep(1.2)
        later = await point.event("Updated", "MeterValuePeriodic", transaction, Decimal(3000), "Sample.Periodic")
        equal(exact(later.total_cost), gross(2000), "the running cost")
        ended = await point.event("Ended", "StopAuthorized", transaction, Decimal(8346), "Transaction.End",
                                  stopped_reason="Local")
        equal(exact(ended.total_cost), gross(7346), "the total")


@story("OCPP 2.x: a free session costs 0, one without a tariff nothing is said of")
async def free(server: Server) -> None:
    api = await priced_station(server, "FREE-201", {"currency": "EUR", "elements": [
        {"components": [{"kind": "energy", "price": "0"}]}]})
    await api_call(api.add_station, "NONE-201")
    for name, expected in (("FREE-201", 0.0), ("NONE-201", None)):
        async with charge_points.station(server.ocpp, name, "2.0.1") as point:
            await point.boot()
            transaction = await point.begin(1, "DRIVER", Decimal(0))
            ended = await point.event("Ended", "StopAuthorized", transaction, Decimal(5000), "Transaction.End",
                                      stopped_reason="Local")
            equal(ended.total_cost, expected, name)


class Shows16(charge_points.Station16):
    """Shows prices as agreed for California."""

    shows = "true"

    @on("GetConfiguration")
    def on_get_configuration(self, **_: Any) -> Any:
        keys = [{"key": "CustomDisplayCostAndPrice", "readonly": True, "value": self.shows}]
        return v16.call_result.GetConfiguration(configuration_key=keys, unknown_key=[])

    @on("DataTransfer")
    def on_transfer(self, vendor_id: str, message_id: str = "", data: str = "") -> Any:
        equal(vendor_id, VENDOR, "the vendor")
        self.told = [*getattr(self, "told", []), (message_id, json.loads(data, parse_float=Decimal))]
        return v16.call_result.DataTransfer(status="Accepted")

    def got(self, message: str) -> list[Any]:
        return [data for name, data in getattr(self, "told", []) if name == message]


class Silent16(Shows16):
    shows = "false"


@story("OCPP 1.6: price, running and final cost by data transfer, where the station shows them")
async def california(server: Server) -> None:
    api = await priced_station(server, "CAL-16")
    async with charge_points.station(server.ocpp, "CAL-16", "1.6", kind=Shows16) as point:
        await point.boot()
        equal((await command(server, "CAL-16", "GetConfiguration", {}))["state"], "accepted", "GetConfiguration")
        equal(await point.authorize("DRIVER"), "Accepted", "authorised")
        price = (await until(lambda: point.got("SetUserPrice"), "SetUserPrice"))[0]
        equal(price["idToken"], "DRIVER", "whose price")
        equal(price["priceText"], "0.5355 EUR/kWh, 7.14 EUR/h without charging after 10 min, 0.595 EUR once", "the price")
        transaction = await point.begin(1, "DRIVER", Decimal(1000))
        await asyncio.sleep(1.2)
        await point.meter(transaction, Decimal(3000), 11_000, 40)
        running = (await until(lambda: point.got("RunningCost"), "RunningCost"))[0]
        equal((running["transactionId"], running["meterValue"], running["state"]), (int(transaction), 3000, "Charging"),
              "how far it is")
        equal(exact(running["cost"]), gross(2000), "the running cost")
        equal(running["chargingPrice"], {"kWhPrice": Decimal("0.5355"), "flatFee": Decimal("0.595")}, "prices")
        equal(running["idlePrice"], {"graceMinutes": 10, "hourPrice": Decimal("7.14")}, "the idle price")
        await asyncio.sleep(1.2)
        await point.meter(transaction, Decimal(3000), 0, 40)
        await asyncio.sleep(0.7)
        equal(len(point.got("RunningCost")), 1, "tellings of an amount that is the same")
        await point.end(transaction, Decimal(8346), "Local")
        final = (await until(lambda: point.got("FinalCost"), "FinalCost"))[0]
        equal((final["transactionId"], exact(final["cost"])), (int(transaction), gross(7346)), "the final cost")
        assert final["priceText"].endswith(f"total: {gross(7346)} EUR"), final
        unplugged = {"transactionId": int(transaction), "timestamp": charge_points.now()}
        answer = await point.call(v16.call.DataTransfer(vendor_id=VENDOR, message_id="ConnectorUnplugged",
                                                        data=json.dumps(unplugged)), suppress=False)
        equal(answer.status, "Accepted", "ConnectorUnplugged")
        notes = await api_call(api.get, "/twins/CAL-16/notes", topic="data_transfer")
        kinds = [note["detail"]["message_id"] for note in notes["items"]]
        assert {"SetUserPrice", "RunningCost", "FinalCost", "ConnectorUnplugged"} <= set(kinds), kinds


@story("OCPP 1.6: a station that shows no prices is sent none")
async def silent(server: Server) -> None:
    await priced_station(server, "SIL-16")
    async with charge_points.station(server.ocpp, "SIL-16", "1.6", kind=Silent16) as point:
        await point.boot()
        await command(server, "SIL-16", "GetConfiguration", {})
        await point.authorize("DRIVER")
        transaction = await point.begin(1, "DRIVER", Decimal(0))
        await asyncio.sleep(1.2)
        await point.meter(transaction, Decimal(3000), 11_000, 40)
        await point.end(transaction, Decimal(5000), "Local")
        await asyncio.sleep(1)
        equal(getattr(point, "told", []), [], "what it was told")


class Counts21(charge_points.Station21):
    """Works out costs by itself, from nothing but the tariff that it was given."""

    @on("GetBaseReport")
    def on_report(self, request_id: int, **_: Any) -> Any:
        self.wanted_report = request_id
        return v21.call_result.GetBaseReport(status="Accepted")

    async def report(self) -> None:
        variable = {"component": {"name": "TariffCostCtrlr"}, "variable": {"name": "Enabled", "instance": "Tariff"},
                    "variable_attribute": [{"type": "Actual", "value": "true"}]}
        await self.call(v21.call.NotifyReport(request_id=self.wanted_report, generated_at=charge_points.now(), seq_no=0,
                                              tbc=False, report_data=[variable]), suppress=False)

    @on("SetDefaultTariff")
    def on_set(self, evse_id: int, tariff: dict[str, Any]) -> Any:
        self.held = {**getattr(self, "held", {}), evse_id: tariff}
        return v21.call_result.SetDefaultTariff(status="Accepted")

    @on("ClearTariffs")
    def on_clear(self, tariff_ids: list[str], evse_id: int = 0) -> Any:
        held = getattr(self, "held", {})
        gone = [id for id in tariff_ids if any(tariff["tariff_id"] == id for tariff in held.values())]
        self.held = {evse: tariff for evse, tariff in held.items() if tariff["tariff_id"] not in tariff_ids}
        result = [{"tariff_id": id, "status": "Accepted" if id in gone else "NoTariff"} for id in tariff_ids]
        return v21.call_result.ClearTariffs(clear_tariffs_result=result)

    @on("GetTariffs")
    def on_get(self, evse_id: int) -> Any:
        held = getattr(self, "held", {})
        if not held:
            return v21.call_result.GetTariffs(status="NoTariff")
        told = [{"tariff_id": tariff["tariff_id"], "tariff_kind": "DefaultTariff", "evse_ids": [1]}
                for tariff in held.values()]
        return v21.call_result.GetTariffs(status="Accepted", tariff_assignments=told)

    def held_id(self) -> str | None:
        return getattr(self, "held", {}).get(0, {}).get("tariff_id")

    def works_out(self, wh: int, more: Decimal = Decimal(0)) -> dict[str, Any]:
        """Energy and the fee, by the tariff of all EVSEs."""
        tariff = self.held[0]
        net = tax = Decimal(0)
        for group, volume in (("energy", Decimal(wh) / 1000), ("fixed_fee", Decimal(1))):
            price = tariff[group]["prices"][0]
            part = cent(exact(price.get("price_kwh", price.get("price_fixed"))) * volume)
            net += part
            tax += cent(part * exact(tariff[group]["tax_rates"][0]["tax"]) / 100)
        total = {"excl_tax": float(net + more), "incl_tax": float(net + tax + more)}
        return {"total_cost": {"currency": tariff["currency"], "type_of_cost": "NormalCost", "total": total},
                "total_usage": {"energy": wh / 1000, "charging_time": 60, "idle_time": 0}}

    async def session(self, wh: int, more: Decimal = Decimal(0)) -> str:
        transaction = await self.begin(1, "DRIVER", Decimal(0))
        at = charge_points.now()
        energy = {"value": wh, "measurand": "Energy.Active.Import.Register", "context": "Transaction.End"}
        await self.call(v21.call.TransactionEvent(
            event_type="Ended", timestamp=at, trigger_reason="StopAuthorized", seq_no=self.seq_no,
            transaction_info={"transaction_id": transaction, "stopped_reason": "Local"}, evse={"id": 1, "connector_id": 1},
            meter_value=[{"timestamp": at, "sampled_value": [energy]}], cost_details=self.works_out(wh, more)),
            suppress=False)
        return transaction


@story("OCPP 2.1: a station that works out costs is given its tariff, and its costs are compared with ours")
async def station_works_out(server: Server) -> None:
    api = await priced_station(server, "TAR-21")
    async with charge_points.station(server.ocpp, "TAR-21", "2.1", kind=Counts21) as point:
        await point.boot()
        await point.status(1, "Available")
        equal((await api_call(api.get, "/stations/TAR-21/tariffs"))["supported"], None, "before its report")
        await command(server, "TAR-21", "GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"})
        await point.report()
        await until(lambda: point.held_id() == "t-TAR-21:1", "its tariff")
        tariff = point.held[0]
        equal(tariff["energy"], {"prices": [{"price_kwh": 0.45}], "tax_rates": [{"type": "VAT", "tax": 19}]}, "energy")
        equal(tariff["idle_time"]["prices"], [{"price_minute": 0.1, "conditions": {"min_idle_time": 600}}], "idle time")
        shown = await until(lambda: (t := api.get("/stations/TAR-21/tariffs"))["items"][0]["held"] and t, "the record")
        item = shown["items"][0]
        equal((shown["supported"], item["evse"], item["held"]["state"], item["held"]["tariff_id"]),
              (True, 0, "set", "t-TAR-21:1"), "what is shown")

        first = await point.session(7346)
        second = await point.session(5000, Decimal("0.50"))

        def costs() -> dict[str, Any]:
            notes = api.get("/twins/TAR-21/notes", topic="station_cost")["items"]
            found = {note["detail"]["transaction_id"]: note["detail"] for note in notes}
            return found if len(found) == 2 else {}

        noted = await until(costs, "the station's costs")
        equal((noted[first]["agrees"], Decimal(noted[first]["station"]["gross"]), Decimal(noted[first]["ours"]["gross"])),
              (True, gross(7346), gross(7346)), "the same cost")
        equal((noted[second]["agrees"], Decimal(noted[second]["difference"])), (False, Decimal("0.50")), "another cost")
        def flags() -> dict[str, Any]:
            items = api.get("/transactions", station="TAR-21")["items"]
            return {item["transaction_id"]: item["flags"] for item in items}

        flagged = await until(lambda: (f := flags())[second] and f, "the flag")
        equal(flagged, {first: [], second: ["cost_differs"]}, "flags")

        await command(server, "TAR-21", "GetTariffs", {"evseId": 0})
        equal((await api_call(api.get, "/stations/TAR-21/tariffs"))["items"][0]["held"]["tariff_id"], "t-TAR-21:1",
              "after the station named its tariffs")
        dearer = json.loads(json.dumps(TARIFF).replace('"0.45"', '"0.55"'))
        await api_call(api.call, "PUT", "/tariffs/t-TAR-21", {"name": "dearer", "tariff": dearer})
        await until(lambda: point.held_id() == "t-TAR-21:2", "the new version")
        equal(point.held[0]["energy"]["prices"], [{"price_kwh": 0.55}], "the new price")
        stepped = json.loads(json.dumps(TARIFF).replace('"price": "0.45"', '"price": "0.45", "step": 100'))
        await api_call(api.call, "PUT", "/tariffs/t-TAR-21", {"name": "stepped", "tariff": stepped})
        await until(lambda: not point.held, "no tariff where none can be told")
        shown = await until(lambda: (t := api.get("/stations/TAR-21/tariffs"))["items"][0]["held"] is None and t, "the record")
        assert "steps" in shown["items"][0]["wanted"]["problem"], shown
        await api_call(api.call, "PUT", "/tariffs/t-TAR-21", {"name": "plain", "tariff": TARIFF})
        await until(lambda: point.held_id() == "t-TAR-21:4", "its tariff again")
        again = await api_call(api.call, "PUT", "/stations/TAR-21/tariffs")
        equal(again["sent"], [], "what is sent to a station that has what it should")


class Changes21(Counts21):
    """Takes another tariff for a transaction that runs."""

    @on("ChangeTransactionTariff")
    def on_change(self, transaction_id: str, tariff: dict[str, Any]) -> Any:
        self.changed = (transaction_id, tariff["tariff_id"], tariff["energy"]["prices"])
        return v21.call_result.ChangeTransactionTariff(status=getattr(self, "says", "Accepted"))


@story("OCPP 2.1: a driver's own tariff, and another one while the transaction runs")
async def another_tariff(server: Server) -> None:
    api = await priced_station(server, "DRV-21")
    staff = {"currency": "EUR", "elements": [{"components": [{"kind": "energy", "price": "0.20", "tax_percent": "19"}]}]}
    await api_call(api.post, "/tariffs", {"id": "staff-DRV", "name": "Staff", "tariff": staff})
    own = {"scope": "station", "target": "DRV-21", "token_group": "staff", "tariff": "staff-DRV"}
    await api_call(api.post, "/tariff-assignments", own)
    await api_call(api.call, "PUT", "/token-groups/BOB", {"group": "staff"})
    async with charge_points.station(server.ocpp, "DRV-21", "2.1", kind=Changes21) as point:
        await point.boot()
        await point.status(1, "Available")
        await command(server, "DRV-21", "GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"})
        await point.report()
        await until(lambda: point.held_id() == "t-DRV-21:1", "the tariff of the station")

        async def authorize(token: str) -> Any:
            return await point.call(v21.call.Authorize(id_token={"id_token": token, "type": "ISO14443"}), suppress=False)

        bob, eve = await authorize("BOB"), await authorize("EVE")
        equal((bob.tariff["tariff_id"], bob.tariff["energy"]["prices"]), ("staff-DRV:1", [{"price_kwh": 0.2}]), "his own")
        equal(eve.tariff, None, "she pays by what the station holds")

        transaction = await point.begin(1, "EVE", Decimal(0))
        await point.meter(transaction, Decimal(4000), 11_000, 40)
        number = (await api_call(api.get, "/transactions", station="DRV-21"))["items"][0]["number"]
        point.says = "ConditionNotSupported"
        refused = await api_call(api.call, "PUT", f"/transactions/{number}/tariff", {"tariff": "staff-DRV"})
        equal((refused["from"], refused["command"]["state"]), (None, "rejected"), "the station says no")
        point.says = "Accepted"
        changed = await api_call(api.call, "PUT", f"/transactions/{number}/tariff", {"tariff": "staff-DRV"})
        equal((changed["command"]["state"], changed["tariff_id"]), ("accepted", "staff-DRV:1"), "the station says yes")
        equal(point.changed, (transaction, "staff-DRV:1", [{"price_kwh": 0.2}]), "what it was told")
        assert changed["from"], changed
        # nothing was drawn meanwhile, so that no energy has to be shared
        await point.meter(transaction, Decimal(4000), 0, 40)
        ended = await point.event("Ended", "StopAuthorized", transaction, Decimal(10_000), "Transaction.End",
                                  stopped_reason="Local")
        nets = [Decimal("1.80"), Decimal("0.50"), Decimal("1.20")]
        expected = sum((net + cent(net * Decimal("0.19")) for net in nets), Decimal(0))
        equal(exact(ended.total_cost), expected, "4 kWh and the fee by the first, 6 kWh by the second")
        receipt = await until(lambda: (r := api.get(f"/transactions/{number}/receipt"))["final"] and r, "the receipt")
        equal(Decimal(receipt["cost"]["gross"]), expected, "the receipt")
        equal([(c["tariff"], c["from"]) for c in receipt["tariff_changes"]], [("staff-DRV", changed["from"])], "the change")
        equal((Decimal(receipt["unchanged"]["gross"]), Decimal(receipt["unchanged"]["difference"])),
              (gross(10_000), expected - gross(10_000)), "without it")


@story("OCPP 2.1: what a payment terminal settles is noted with what we bill")
async def settlement(server: Server) -> None:
    api = await priced_station(server, "SET-21")
    async with charge_points.station(server.ocpp, "SET-21", "2.1") as point:
        await point.boot()
        transaction = await point.begin(1, "DRIVER", Decimal(0))
        await point.event("Ended", "StopAuthorized", transaction, Decimal(5000), "Transaction.End", stopped_reason="Local")
        for amount in (gross(5000), Decimal("9.99")):
            await point.call(v21.call.NotifySettlement(psp_ref="P-1", status="Settled", settlement_amount=float(amount),
                                                       settlement_time=charge_points.now(), transaction_id=transaction),
                             suppress=False)
        notes = (await api_call(api.get, "/twins/SET-21/notes", topic="settlement"))["items"]
        found = sorted((note["detail"]["ours"]["agrees"], Decimal(note["detail"]["ours"]["gross"])) for note in notes)
        equal(found, [(False, gross(5000)), (True, gross(5000))], "settlements")


class Quick(Server):
    """`voltwin serve` that tells running costs every second."""

    def spawn(self, *more: str) -> Any:
        return super().spawn("--cost-every", "1", *more)


async def main() -> int:
    parser = arguments(__doc__ or "")
    parser.add_argument("filter", nargs="?", default="", help="only stories whose name has this")
    options = parser.parse_args()
    report = Report()
    with Quick(checked(options.voltwin)) as server:
        server.seed("admin")
        server.start()
        for name, function in stories:
            if options.filter in name:
                await report.run(name, partial(function, server), server, within_s=90)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
