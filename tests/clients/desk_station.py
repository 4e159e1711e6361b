"""A station that takes every command, for the desk to show something of each: plain frames, OCPP 1.6 or 2.1.

It answers questions for its device model with a report of its own, sends a log where it is told to, walks through a
firmware update and boots with the version that the file says, keeps a local list and charging profiles, works out their
schedule, and does a few things that it should not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import websockets

from charge_points import now, open_socket
from harness import PASSWORD, die_with_parent

VARIABLES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("OCPPCommCtrlr", "HeartbeatInterval", "300", {"dataType": "integer", "unit": "s", "minLimit": 10, "maxLimit": 86400}),
    ("OCPPCommCtrlr", "MessageTimeout", "30", {"dataType": "integer", "unit": "s"}),
    ("OCPPCommCtrlr", "FileTransferProtocols", "HTTP,HTTPS", {"dataType": "MemberList", "readOnly": True}),
    ("AuthCtrlr", "AuthorizeRemoteStart", "true", {"dataType": "boolean"}),
    ("AuthCtrlr", "LocalPreAuthorize", "false", {"dataType": "boolean"}),
    ("TxCtrlr", "StopTxOnInvalidId", "true", {"dataType": "boolean"}),
    ("TxCtrlr", "TxStartPoint", "PowerPathClosed",
     {"dataType": "OptionList", "valuesList": "EVConnected,Authorized,PowerPathClosed,EnergyTransfer"}),
    ("SampledDataCtrlr", "TxUpdatedInterval", "60", {"dataType": "integer", "unit": "s", "minLimit": 5}),
    ("SecurityCtrlr", "BasicAuthPassword", "", {"dataType": "string"}),
    ("SecurityCtrlr", "OrganizationName", "Voltwin", {"dataType": "string"}),
    ("ChargingStation", "SupplyPhases", "3", {"dataType": "integer", "readOnly": True}),
    ("Connector", "AvailabilityState", "Available", {"dataType": "OptionList", "readOnly": True}),
    ("SmartChargingCtrlr", "LimitChangeSignificance", "2.5", {"dataType": "decimal", "unit": "Percent"}),
]


class DeskStation:
    def __init__(self, socket: Any, version: str, firmware: str | None) -> None:
        self.socket, self.version = socket, version
        self.installed = firmware or ("1.4.2" if version == "1.6" else "2.0.0")
        self.waiting: dict[str, asyncio.Future[Any]] = {}
        self.profiles: dict[int, dict[str, Any]] = {}
        self.values = {(component, variable): value for component, variable, value, _ in VARIABLES}
        self.later: set[asyncio.Task[None]] = set()
        self.list_version, self.listed = 0, {}

    async def call(self, action: str, payload: dict[str, Any]) -> Any:
        number = uuid.uuid4().hex
        self.waiting[number] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps([2, number, action, payload]))
        return await asyncio.wait_for(self.waiting[number], 20)

    async def read(self) -> None:
        async for text in self.socket:
            frame = json.loads(text)
            if frame[0] == 2:
                answer, then = self.answer(frame[2], frame[3])
                await self.socket.send(json.dumps([3, frame[1], answer]))
                if then is not None:
                    task = asyncio.create_task(then)
                    self.later.add(task)
                    task.add_done_callback(self.later.discard)
            elif frame[0] in (3, 4) and (waiting := self.waiting.pop(frame[1], None)):
                waiting.set_result(frame[2])

    def answer(self, action: str, payload: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        match action:
            case "GetConfiguration":
                keys = [{"key": f"{c}{v}", "readonly": more.get("readOnly", False), "value": self.values[c, v]}
                        for c, v, _, more in VARIABLES]
                return {"configurationKey": keys, "unknownKey": []}, None
            case "GetBaseReport" | "GetReport":
                return {"status": "Accepted"}, self.report(payload["requestId"])
            case "GetVariables":
                return {"getVariableResult": [self.variable(one) for one in payload["getVariableData"]]}, None
            case "SetVariables":
                return {"setVariableResult": [self.set_variable(one) for one in payload["setVariableData"]]}, None
            case "SetVariableMonitoring":
                done = [{"id": 100 + i, "status": "Accepted", **{k: one[k] for k in ("type", "severity", "component",
                         "variable")}} for i, one in enumerate(payload["setMonitoringData"])]
                return {"setMonitoringResult": done}, None
            case "SetChargingProfile":
                profile = payload.get("chargingProfile") or payload["csChargingProfiles"]
                self.profiles[profile.get("id", profile.get("chargingProfileId"))] = profile
                return {"status": "Accepted"}, None
            case "ClearChargingProfile":
                number = payload.get("chargingProfileId", payload.get("id"))
                found = [number] if number in self.profiles else [] if number is not None else list(self.profiles)
                for one in found:
                    del self.profiles[one]
                return {"status": "Accepted" if found else "Unknown"}, None
            case "GetCompositeSchedule":
                return self.composite(payload), None
            case "UpdateFirmware" | "SignedUpdateFirmware":
                answer = {} if self.version == "1.6" and action == "UpdateFirmware" else {"status": "Accepted"}
                location = payload.get("location") or payload["firmware"]["location"]
                return answer, self.firmware(location, payload.get("requestId"))
            case "GetLocalListVersion":
                return {"listVersion" if self.version == "1.6" else "versionNumber": self.list_version}, None
            case "SendLocalList":
                return {"status": self.take_list(payload)}, None
            case "GetLog" | "GetDiagnostics":
                target = payload.get("location") or payload["log"]["remoteLocation"]
                answer = {"fileName": "station.log"} | ({} if action == "GetDiagnostics" else {"status": "Accepted"})
                return answer, self.log(target, payload.get("requestId"))
            case "ChangeConfiguration" | "ReserveNow" | "CancelReservation" | "ChangeAvailability" | "SetDERControl" \
                    | "TriggerMessage" | "ExtendedTriggerMessage" | "Reset" | "SetDisplayMessage" | "ClearCache":
                return {"status": "Accepted"}, None
            case _:
                return {"status": "Rejected"}, None

    def variable(self, one: dict[str, Any]) -> dict[str, Any]:
        key = one["component"]["name"], one["variable"]["name"]
        head = {"component": one["component"], "variable": one["variable"]}
        if key not in self.values:
            return head | {"attributeStatus": "UnknownVariable"}
        return head | {"attributeStatus": "Accepted", "attributeValue": self.values[key]}

    def set_variable(self, one: dict[str, Any]) -> dict[str, Any]:
        key = one["component"]["name"], one["variable"]["name"]
        head = {"component": one["component"], "variable": one["variable"]}
        if key not in self.values:
            return head | {"attributeStatus": "UnknownVariable"}
        if not one["attributeValue"]:
            return head | {"attributeStatus": "Rejected", "attributeStatusInfo": {"reasonCode": "ValueOutOfRange"}}
        self.values[key] = one["attributeValue"]
        return head | {"attributeStatus": "Accepted"}

    async def report(self, number: int) -> None:
        half = len(VARIABLES) // 2
        for seq, part in enumerate((VARIABLES[:half], VARIABLES[half:])):
            data = [{
                "component": {"name": c, **({"evse": {"id": 1, "connectorId": 1}} if c == "Connector" else {})},
                "variable": {"name": v},
                "variableAttribute": [{"type": "Actual", "value": self.values[c, v],
                                       "mutability": "ReadOnly" if more.get("readOnly") else
                                       "WriteOnly" if v == "BasicAuthPassword" else "ReadWrite"}],
                "variableCharacteristics": {"supportsMonitoring": True,
                                            **{k: more[k] for k in more if k != "readOnly"}},
            } for c, v, _, more in part]
            await self.call("NotifyReport", {"requestId": number, "generatedAt": now(), "seqNo": seq,
                                             "tbc": seq == 0, "reportData": data})

    def composite(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Its own view of the schedule: the lowest limit of all profiles, told a little differently from how it was set."""
        schedules = [s for p in self.profiles.values() for s in
                     (p["chargingSchedule"] if isinstance(p["chargingSchedule"], list) else [p["chargingSchedule"]])]
        periods = schedules[0]["chargingSchedulePeriod"] if schedules else [{"startPeriod": 0, "limit": 22000}]
        head = {"chargingRateUnit": "W", "duration": payload["duration"], "chargingSchedulePeriod": periods}
        if self.version == "1.6":
            return {"status": "Accepted", "connectorId": payload["connectorId"], "scheduleStart": now(),
                    "chargingSchedule": head}
        return {"status": "Accepted", "schedule": {"evseId": payload["evseId"], "scheduleStart": now(), **head}}

    def take_list(self, payload: dict[str, Any]) -> str:
        if payload["updateType"] == "Full":
            self.listed = {}
        for entry in payload.get("localAuthorizationList", []):
            token = entry["idTag"] if self.version == "1.6" else entry["idToken"]["idToken"]
            if "idTagInfo" in entry or "idTokenInfo" in entry:
                self.listed[token] = entry
            else:
                self.listed.pop(token, None)
        self.list_version = payload.get("listVersion", payload.get("versionNumber"))
        return "Accepted"

    async def firmware(self, location: str, number: int | None) -> None:
        """The file is the version that it brings, in text; any other cannot be installed."""

        async def tell(status: str) -> None:
            await self.call("FirmwareStatusNotification", {"status": status} | ({"requestId": number} if number else {}))

        await tell("Downloading")
        image = await asyncio.to_thread(lambda: urllib.request.urlopen(location, timeout=20).read(64))
        for status in ("Downloaded", "Installing"):
            await asyncio.sleep(1)
            await tell(status)
        await asyncio.sleep(1)
        text = image.decode(errors="replace").strip()
        if not re.fullmatch(r"[0-9.]+", text):
            await tell("InstallationFailed")
            return
        self.installed = text
        await self.notify_boot("FirmwareUpdate")
        await tell("Installed")

    async def log(self, target: str, number: int | None) -> None:
        action = "DiagnosticsStatusNotification" if number is None else "LogStatusNotification"
        tail = {} if number is None else {"requestId": number}
        await self.call(action, {"status": "Uploading"} | tail)
        body = "".join(f"{now()} line {i}: all is well\n" for i in range(2000)).encode()
        request = urllib.request.Request(target, data=body, method="PUT")
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=20).read())
        await self.call(action, {"status": "Uploaded"} | tail)

    async def notify_boot(self, reason: str) -> None:
        if self.version == "1.6":
            await self.call("BootNotification", {"chargePointVendor": "Desk Works", "chargePointModel": "DW-1",
                                                 "firmwareVersion": self.installed})
            return
        await self.call("BootNotification", {"reason": reason, "chargingStation": {
            "vendorName": "Desk Works", "model": "DW-2", "firmwareVersion": self.installed, "serialNumber": "DW20001"}})

    async def boot(self) -> None:
        await self.notify_boot("PowerUp")
        if self.version == "1.6":
            for connector in (0, 1, 2):
                await self.call("StatusNotification", {"connectorId": connector, "errorCode": "NoError",
                                                       "status": "Available"})
            return
        for evse in (1, 2):
            await self.call("StatusNotification", {"timestamp": now(), "connectorStatus": "Available", "evseId": evse,
                                                   "connectorId": 1})
        await self.call("SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": now(),
                                                      "techInfo": "lid of the meter"})
        await self.call("SecurityEventNotification", {"type": "SettingSystemTime", "timestamp": now()})
        start = (datetime.now(timezone.utc) + timedelta(minutes=5)).isoformat(timespec="seconds")
        await self.call("NotifyChargingLimit", {
            "evseId": 1, "chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True},
            "chargingSchedule": [{"id": 9, "chargingRateUnit": "W", "startSchedule": start, "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 9000}, {"startPeriod": 1800, "limit": 4600}]}]})

    async def misbehave(self) -> None:
        """What no version of the protocol allows."""
        await self.call("Heartbeat", {"mood": "good"})
        if self.version == "1.6":
            await self.call("StatusNotification", {"connectorId": 1, "errorCode": "Smoke", "status": "Available"})
        else:
            await self.call("StatusNotification", {"timestamp": "yesterday", "connectorStatus": "Broken", "evseId": 1,
                                                   "connectorId": 1})


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="ws://…/ocpp")
    parser.add_argument("--station", default="E2E-DESK")
    parser.add_argument("--version", choices=["1.6", "2.1"], default="2.1")
    parser.add_argument("--firmware", help="the version that it tells, instead of its usual one")
    parser.add_argument("--good-calls", type=int, default=0, help="so many heartbeats before it does what it should not")
    parser.add_argument("--password", default=PASSWORD)
    args = parser.parse_args()
    die_with_parent()
    while True:
        with contextlib.suppress(OSError, TimeoutError, websockets.WebSocketException):
            socket = await open_socket(args.url, args.station, args.version, args.password)
            station = DeskStation(socket, args.version, args.firmware)
            reading = asyncio.create_task(station.read())
            await station.boot()
            for _ in range(args.good_calls):
                await station.call("Heartbeat", {})
            await station.misbehave()
            await reading
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main())
