"""Looking after a station: reports in parts, logs, firmware, security events, vendors' data, displays, customers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from ocpp import v16, v21, v201
from ocpp.routing import on

from charge_points import Station16, Station21, Station201, now, station
from harness import Server, api_call, equal, until

Story = Callable[[Server], Awaitable[None]]
stories: list[tuple[str, Story]] = []
ALL = ("1.6", "2.0.1", "2.1")
NEWER = ("2.0.1", "2.1")


def story(name: str, versions: tuple[str, ...]) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        for version in versions:
            stories.append((f"{name}, OCPP {version}", partial(_run, function, version)))
        return function

    return add


async def _run(function: Any, version: str, server: Server) -> None:
    name = f"CARE-{function.__name__}-{version}"
    await api_call(server.api().add_station, name)
    async with station(server.ocpp, name, version, kind=KINDS[version]) as point:
        await point.boot()
        await function(server, name, version, point)


class _Cared:
    """Accepts what it is asked, and remembers it."""

    lib: Any

    def asked(self, action: str, request: dict[str, Any]) -> None:
        self.__dict__.setdefault("requests", {})[action] = request

    @on("DataTransfer")
    def on_data_transfer(self, **request: Any) -> Any:
        self.asked("DataTransfer", request)
        return self.lib.call_result.DataTransfer(status="Accepted", data="from the station")

    @on("GetLog")
    def on_get_log(self, **request: Any) -> Any:
        self.asked("GetLog", request)
        return self.lib.call_result.GetLog(status="Accepted", filename="station.log")


class Cared16(_Cared, Station16):
    lib = v16

    @on("GetConfiguration")
    def on_get_configuration(self, **_: Any) -> Any:
        keys = [{"key": f"Key{n}", "readonly": n % 2 == 0, "value": str(n)} for n in range(40)]
        return v16.call_result.GetConfiguration(configuration_key=keys)

    @on("GetDiagnostics")
    def on_get_diagnostics(self, **request: Any) -> Any:
        self.asked("GetDiagnostics", request)
        return v16.call_result.GetDiagnostics(file_name="diagnostics.zip")

    @on("UpdateFirmware")
    def on_update_firmware(self, **request: Any) -> Any:
        self.asked("UpdateFirmware", request)
        return v16.call_result.UpdateFirmware()


class _Cared2(_Cared):
    def accept(self, action: str, request: dict[str, Any]) -> Any:
        self.asked(action, request)
        return getattr(self.lib.call_result, action)(status="Accepted")

    @on("GetBaseReport")
    def on_get_base_report(self, **request: Any) -> Any:
        return self.accept("GetBaseReport", request)

    @on("UpdateFirmware")
    def on_update_firmware(self, **request: Any) -> Any:
        return self.accept("UpdateFirmware", request)

    @on("SetDisplayMessage")
    def on_set_display_message(self, **request: Any) -> Any:
        return self.accept("SetDisplayMessage", request)

    @on("GetDisplayMessages")
    def on_get_display_messages(self, **request: Any) -> Any:
        return self.accept("GetDisplayMessages", request)

    @on("CustomerInformation")
    def on_customer_information(self, **request: Any) -> Any:
        return self.accept("CustomerInformation", request)


class Cared201(_Cared2, Station201):
    lib = v201


class Cared21(_Cared2, Station21):
    lib = v21


KINDS = {"1.6": Cared16, "2.0.1": Cared201, "2.1": Cared21}


async def command(server: Server, name: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    body = {"action": action, "payload": payload}
    given = await api_call(server.api().post, f"/stations/{name}/commands", body, wait_s=30)
    equal(given["state"], "accepted", action)
    return given


async def topic(server: Server, name: str, what: str) -> dict[str, Any]:
    records = await api_call(server.api().pages, f"/twins/{name}/records", topic=what)
    return {record["key"]: record["value"] for record in records}


async def notes(server: Server, name: str, what: str) -> list[dict[str, Any]]:
    return [note["detail"] for note in await api_call(server.api().pages, f"/twins/{name}/notes", topic=what)]


def send(address: str, data: bytes, method: str = "PUT") -> int:
    """Sends bytes as a station does: no key, only the address that it was given."""
    request = urllib.request.Request(address, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def fetch(address: str, key: str | None = None) -> bytes:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
        return answer.read()


@story("a report in parts and out of order", ALL)
async def report(server: Server, name: str, version: str, point: Any) -> None:
    if version == "1.6":
        await command(server, name, "GetConfiguration", {})
        known = await topic(server, name, "variable")
        equal(len(known), 40, "variables")
        equal((known["Configuration/Key3/Actual"]["value"], known["Configuration/Key3/Actual"]["read_only"]),
              ("3", False), "a key")
        return
    await command(server, name, "GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"})

    async def part(seq: int) -> None:
        data = [{"component": {"name": "C"}, "variable": {"name": f"V{seq}-{n}"},
                 "variable_attribute": [{"type": "Actual", "value": str(n), "mutability": "ReadOnly"}]}
                for n in range(10)]
        await point.call(point.lib.call.NotifyReport(request_id=7, generated_at=now(), seq_no=seq, tbc=seq < 4,
                                                     report_data=data), suppress=False)

    for seq in (3, 1, 4, 0, 1):
        await part(seq)
        equal((await topic(server, name, "report"))["inventory/7"]["state"], "receiving", f"after part {seq}")
    await part(2)
    equal((await topic(server, name, "report"))["inventory/7"]["state"], "complete", "after the last gap")
    found = await api_call(server.api().pages, f"/stations/{name}/variables", text="v2-")
    equal(len(found), 10, "variables found by text")
    equal(len(await topic(server, name, "variable")), 50, "variables")


@story("a log from the station to whoever asked", ALL)
async def log(server: Server, name: str, version: str, point: Any) -> None:
    api = server.api()
    asked = await api_call(api.post, f"/stations/{name}/logs", {}, wait_s=30)
    equal(asked["command"]["state"], "accepted", "the request")
    if version == "1.6":
        address = point.requests["GetDiagnostics"]["location"]
    else:
        address = point.requests["GetLog"]["log"]["remote_location"]
    equal(asked["file"]["state"], "expected", "the file before")
    assert address.rsplit("/", 1)[1] not in json.dumps(asked), "the token is the station's alone"
    content = b"line of a log\n" * 5_000
    await status_of_log(point, version, asked, "Uploading")
    shown = await api_call(api.get, f"/twins/{name}")
    equal(shown["properties"]["maintenance"], "Diagnostics", "maintenance while it sends")
    equal(await asyncio.to_thread(send, f"{address}/station.log", content), 201, "the upload")
    equal(await asyncio.to_thread(send, address, content), 404, "a second upload")
    await status_of_log(point, version, asked, "Uploaded")
    file = await api_call(api.get, f"/files/{asked['file']['id']}")
    equal((file["state"], file["name"], file["bytes"]), ("stored", "station.log", len(content)), "the file")
    equal(file["sha256"], hashlib.sha256(content).hexdigest(), "its digest")
    got = await asyncio.to_thread(fetch, f"{server.url}/api/v1/files/{file['id']}/content", api.key)
    equal(got, content, "the bytes")
    messages = json.dumps(await api_call(api.get, f"/stations/{name}/messages"))
    assert address.rsplit("/", 1)[1] not in messages, "the token in the message log"


async def status_of_log(point: Any, version: str, asked: dict[str, Any], status: str) -> None:
    if version == "1.6":
        request = v16.call.DiagnosticsStatusNotification(status=status)
    else:
        request = point.lib.call.LogStatusNotification(status=status, request_id=asked["file"]["request_id"])
    await point.call(request, suppress=False)


@story("a firmware from its upload to the new version", ALL)
async def firmware(server: Server, name: str, version: str, point: Any) -> None:
    api = server.api()
    image = bytes(range(256)) * 400
    request = urllib.request.Request(f"{server.url}/api/v1/files?name=fw.bin", data=image, method="POST",
                                     headers={"Authorization": f"Bearer {api.key}"})
    with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
        file = json.load(answer)
    given = await api_call(api.post, f"/stations/{name}/firmware", {"file": file["id"]}, wait_s=30)
    equal(given["command"]["state"], "accepted", "the update")
    asked = point.requests["UpdateFirmware"]
    address = asked["location"] if version == "1.6" else asked["firmware"]["location"]
    equal(await asyncio.to_thread(fetch, address), image, "what the station fetched")

    async def tell(status: str) -> None:
        more = {} if version == "1.6" else {"request_id": given["request_id"]}
        call = point.lib.call.FirmwareStatusNotification(status=status, **more)
        await point.call(call, suppress=False)
        told = await api_call(api.get, f"/stations/{name}/firmware")
        equal((told["latest"]["status"], told["latest"]["request_id"]), (status, given["request_id"]), "the state")

    for status in ("Downloading", "Downloaded", "Installing"):
        await tell(status)
    equal((await api_call(api.get, f"/stations/{name}/firmware"))["maintenance"], "FirmwareUpdate", "maintenance")
    await tell("InstallationFailed")
    failed = [alarm for alarm in (await api_call(api.get, "/alarms"))["items"] if alarm["twin"] == name]
    failed = failed or await until(lambda: [alarm for alarm in api.get("/alarms")["items"] if alarm["twin"] == name],
                                   "the alarm")
    equal([alarm["code"] for alarm in failed], ["FirmwareUpdateFailed"], "alarms")
    await tell("Installing")
    await tell("Installed")
    await until(lambda: not [alarm for alarm in api.get("/alarms")["items"] if alarm["twin"] == name],
                "the alarm clearing")


@story("a security event that alarms until it is seen", ALL)
async def security(server: Server, name: str, version: str, point: Any) -> None:
    api = server.api()
    for kind in ("StartupOfTheDevice", "TamperDetectionActivated"):
        await point.call(point.lib.call.SecurityEventNotification(type=kind, timestamp=now(), tech_info="lid"),
                         suppress=False)
    events = await api_call(api.pages, f"/stations/{name}/security-events")
    equal([event["detail"]["type"] for event in events], ["TamperDetectionActivated", "StartupOfTheDevice"], "events")
    mine = [alarm for alarm in (await api_call(api.get, "/alarms"))["items"] if alarm["twin"] == name]
    equal([(alarm["code"], alarm["severity"]) for alarm in mine], [("SecurityTamperDetectionActivated", "critical")],
          "alarms")
    seen = await api_call(api.post, f"/alarms/{mine[0]['id']}/acknowledge")
    assert seen["cleared_at"], seen


@story("vendors' data both ways", ALL)
async def transfer(server: Server, name: str, version: str, point: Any) -> None:
    data: Any = "ping" if version == "1.6" else {"nested": ["ping", 1]}

    async def ask(vendor: str, message: str) -> Any:
        return await point.call(point.lib.call.DataTransfer(vendor_id=vendor, message_id=message, data=data),
                                suppress=False)

    equal((await ask("com.example", "Echo")).status, "UnknownVendorId", "a stranger")
    equal((await ask("org.voltwin", "Nothing")).status, "UnknownMessageId", "an unknown message")
    echo = await ask("org.voltwin", "Echo")
    equal((echo.status, echo.data), ("Accepted", data), "an echo")
    given = await command(server, name, "DataTransfer", {"vendorId": "com.example", "messageId": "m", "data": data})
    equal(given["answer"]["data"], "from the station", "its answer")
    kept = await notes(server, name, "data_transfer")
    equal([note["direction"] for note in kept], ["out", "in", "in", "in"], "notes")


@story("messages on the display", NEWER)
async def display(server: Server, name: str, version: str, point: Any) -> None:
    def message(number: int) -> dict[str, Any]:
        return {"id": number, "priority": "NormalCycle", "message": {"format": "UTF8", "content": f"text {number}"}}

    await command(server, name, "SetDisplayMessage", {"message": message(1)})
    equal(list(await topic(server, name, "display_message")), ["1"], "messages that we set")
    await command(server, name, "GetDisplayMessages", {"requestId": 3})
    for number, tbc in ((5, True), (6, False)):
        await point.call(point.lib.call.NotifyDisplayMessages(request_id=3, tbc=tbc, message_info=[message(number)]),
                         suppress=False)
    equal(list(await topic(server, name, "display_message")), ["5", "6"], "messages that the station lists")


@story("what a station knows of a customer", NEWER)
async def customer(server: Server, name: str, version: str, point: Any) -> None:
    await command(server, name, "CustomerInformation",
                  {"requestId": 4, "report": True, "clear": False, "customerIdentifier": "C-1"})
    for seq, text in ((1, "the end"), (0, "the beginning, ")):
        await point.call(point.lib.call.NotifyCustomerInformation(request_id=4, seq_no=seq, generated_at=now(),
                                                                  tbc=seq == 0, data=text), suppress=False)
    told = await api_call(server.api().get, f"/stations/{name}/customer-information/4")
    equal((told["data"], told["complete"]), ("the beginning, the end", True), "what it told")
    messages = json.dumps(await api_call(server.api().get, f"/stations/{name}/messages"))
    assert "the beginning" not in messages, "personal data in the message log"
