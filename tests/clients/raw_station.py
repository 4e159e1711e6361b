"""A station as plain frames: no library between the test and the wire, so that it knows exactly what was answered."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import websockets

from charge_points import open_socket
from harness import PASSWORD

EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Lost(Exception):
    """The connection ended before the answer came: nobody knows whether the message was taken."""


class Refused(Exception):
    """The central system answered with an error frame."""


@dataclass(frozen=True)
class Message:
    """One transaction event as a station would keep it in its queue until it is answered."""

    kind: str  # "start", "update" or "stop"
    number: int  # the transaction's number on this station, from 0
    seq_no: int
    at_ms: int  # since EPOCH
    meter_wh: int


class RawStation:
    """One socket at a time; frames are sent and answered one by one, as OCPP demands."""

    def __init__(self, url: str, name: str, version: str, password: str = PASSWORD) -> None:
        self.url, self.name, self.version, self.password = url, name, version, password
        self.socket: Any = None
        self.transaction_ids: dict[int, str] = {}

    async def connect(self) -> None:
        try:
            self.socket = await open_socket(self.url, self.name, self.version, self.password)
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            raise Lost(str(error)) from None

    async def close(self) -> None:
        if self.socket:
            await self.socket.close()
            self.socket = None

    async def call(self, action: str, payload: dict[str, Any], within_s: float = 30) -> dict[str, Any]:
        """The answer's payload."""
        number = uuid.uuid4().hex
        try:
            await self.socket.send(json.dumps([2, number, action, payload]))
            async with asyncio.timeout(within_s):
                while True:
                    frame = json.loads(await self.socket.recv())
                    if frame[1] == number:
                        break
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            raise Lost(f"{action}: {error!r}") from None
        if frame[0] != 3:
            raise Refused(f"{action}: {frame[2:4]}")
        return frame[2]

    async def boot(self) -> None:
        if self.version == "1.6":
            answer = await self.call("BootNotification", {"chargePointVendor": "raw", "chargePointModel": "raw"})
        else:
            station = {"vendorName": "raw", "model": "raw"}
            answer = await self.call("BootNotification", {"reason": "PowerUp", "chargingStation": station})
        if answer["status"] != "Accepted":
            raise Refused(f"boot {answer['status']}")

    async def send(self, message: Message, within_s: float = 30) -> None:
        """Returns when the message is acknowledged."""
        if self.version == "1.6":
            await self._send_16(message, within_s)
        else:
            await self.call("TransactionEvent", self.event(message), within_s)

    def transaction_id(self, number: int) -> str:
        return self.transaction_ids[number] if self.version == "1.6" else f"{self.name}-{number}"

    async def _send_16(self, message: Message, within_s: float) -> None:
        at = stamp(message.at_ms)
        if message.kind == "start":
            payload: dict[str, Any] = {"connectorId": 1, "idTag": "RAW", "meterStart": message.meter_wh, "timestamp": at}
            answer = await self.call("StartTransaction", payload, within_s)
            self.transaction_ids[message.number] = str(answer["transactionId"])
            return
        number = int(self.transaction_ids[message.number])
        if message.kind == "stop":
            payload = {"transactionId": number, "meterStop": message.meter_wh, "timestamp": at}
            await self.call("StopTransaction", payload, within_s)
            return
        sample = {"timestamp": at, "sampledValue": [{"value": str(message.meter_wh), "unit": "Wh"}]}
        payload = {"connectorId": 1, "transactionId": number, "meterValue": [sample]}
        await self.call("MeterValues", payload, within_s)

    def event(self, message: Message) -> dict[str, Any]:
        """The TransactionEvent of 2.0.1 and 2.1."""
        kinds = {"start": ("Started", "CablePluggedIn", "Transaction.Begin"),
                 "update": ("Updated", "MeterValuePeriodic", "Sample.Periodic"),
                 "stop": ("Ended", "EVDeparted", "Transaction.End")}
        kind, trigger, context = kinds[message.kind]
        value = {"value": message.meter_wh, "context": context, "measurand": "Energy.Active.Import.Register",
                 "unitOfMeasure": {"unit": "Wh"}}
        at = stamp(message.at_ms)
        return {"eventType": kind, "timestamp": at, "triggerReason": trigger, "seqNo": message.seq_no,
                "transactionInfo": {"transactionId": self.transaction_id(message.number)},
                "evse": {"id": 1, "connectorId": 1},
                "meterValue": [{"timestamp": at, "sampledValue": [value]}]}


def stamp(at_ms: int) -> str:
    at = EPOCH + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
