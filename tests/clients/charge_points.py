"""Charge points on the PyPI `ocpp` library, which this project did not write: one class a version, one interface.

Charging is told in Wh as exact decimals; the stations of OCPP 1.6 send whole Wh, as that version demands.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import websockets
from ocpp import v16, v21, v201
from ocpp.routing import on

from harness import PASSWORD

logging.getLogger("ocpp").setLevel(logging.CRITICAL)

SUBPROTOCOLS = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def credentials(station: str, password: str) -> dict[str, str]:
    token = base64.b64encode(f"{station}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


async def open_socket(url: str, station: str, version: str, password: str | None = PASSWORD) -> Any:
    """A raw socket to `url/station`."""
    headers = {} if password is None else credentials(station, password)
    return await websockets.connect(
        f"{url}/{station}", subprotocols=[SUBPROTOCOLS[version]], additional_headers=headers, open_timeout=20,
        close_timeout=2, max_queue=64, compression=None, proxy=None,
    )


class _Story:
    """What all versions share: remembered commands and the wait for them."""

    def remember(self) -> None:
        self.remote_stop: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.answer_remote_stop = "Accepted"
        self.commands: list[str] = []

    def stop_asked(self, transaction_id: Any) -> None:
        self.commands.append("remote stop")
        if not self.remote_stop.done():
            self.remote_stop.set_result(str(transaction_id))


class Station16(_Story, v16.ChargePoint):
    """OCPP 1.6."""

    async def boot(self) -> str:
        answer = await self.call(
            v16.call.BootNotification(charge_point_model="PyStation", charge_point_vendor="Voltwin tests",
                                      firmware_version="1.6.0", charge_point_serial_number="SN-16"), suppress=False)
        assert answer.interval > 0, answer
        return answer.status

    async def heartbeat(self) -> str:
        return (await self.call(v16.call.Heartbeat(), suppress=False)).current_time

    async def status(self, evse: int, status: str) -> None:
        await self.call(v16.call.StatusNotification(connector_id=evse, error_code="NoError", status=status,
                                                    timestamp=now()), suppress=False)

    async def authorize(self, token: str) -> str:
        answer = await self.call(v16.call.Authorize(id_tag=token), suppress=False)
        return answer.id_tag_info["status"]

    async def begin(self, evse: int, token: str, meter_wh: Decimal) -> str:
        self.evse = evse
        answer = await self.call(v16.call.StartTransaction(connector_id=evse, id_tag=token, meter_start=int(meter_wh),
                                                           timestamp=now()), suppress=False)
        assert answer.id_tag_info["status"] == "Accepted", answer
        return str(answer.transaction_id)

    async def meter(self, transaction: str, meter_wh: Decimal, power_w: int, soc: int) -> None:
        sampled = [
            {"value": str(meter_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(power_w), "measurand": "Power.Active.Import", "unit": "W"},
            {"value": str(soc), "measurand": "SoC", "unit": "Percent"},
        ]
        await self.call(v16.call.MeterValues(connector_id=self.evse, transaction_id=int(transaction),
                                             meter_value=[{"timestamp": now(), "sampledValue": sampled}]),
                        suppress=False)

    async def end(self, transaction: str, meter_wh: Decimal, reason: str) -> None:
        await self.call(v16.call.StopTransaction(meter_stop=int(meter_wh), timestamp=now(),
                                                 transaction_id=int(transaction), reason=reason), suppress=False)

    @on("RemoteStopTransaction")
    def on_remote_stop(self, transaction_id: int) -> Any:
        self.stop_asked(transaction_id)
        return v16.call_result.RemoteStopTransaction(status=self.answer_remote_stop)

    @on("GetConfiguration")
    def on_get_configuration(self, **_: Any) -> Any:
        self.commands.append("GetConfiguration")
        known = {"key": "HeartbeatInterval", "readonly": False, "value": "77"}
        return v16.call_result.GetConfiguration(configuration_key=[known], unknown_key=["NoSuchKey"])

    @on("TriggerMessage")
    def on_trigger(self, **_: Any) -> Any:
        self.commands.append("TriggerMessage")
        return v16.call_result.TriggerMessage(status="NotImplemented")


class _Station2(_Story):
    """OCPP 2.0.1 and 2.1 say the same here, in their own modules."""

    lib: Any

    async def boot(self) -> str:
        station = {"model": "PyStation", "vendor_name": "Voltwin tests", "firmware_version": self._ocpp_version,
                   "serial_number": "SN-2x"}
        answer = await self.call(self.lib.call.BootNotification(charging_station=station, reason="PowerUp"),
                                 suppress=False)
        assert answer.interval > 0, answer
        return answer.status

    async def heartbeat(self) -> str:
        return (await self.call(self.lib.call.Heartbeat(), suppress=False)).current_time

    async def status(self, evse: int, status: str) -> None:
        await self.call(self.lib.call.StatusNotification(timestamp=now(), connector_status=status, evse_id=evse,
                                                         connector_id=1), suppress=False)

    async def authorize(self, token: str) -> str:
        answer = await self.call(self.lib.call.Authorize(id_token={"id_token": token, "type": "ISO14443"}),
                                 suppress=False)
        return answer.id_token_info["status"]

    async def begin(self, evse: int, token: str, meter_wh: Decimal) -> str:
        self.evse = evse
        self.seq_no = 0
        transaction = uuid.uuid4().hex[:20]
        answer = await self.event("Started", "Authorized", transaction, meter_wh, "Transaction.Begin",
                                  id_token={"id_token": token, "type": "ISO14443"}, charging_state="Charging")
        info = answer.id_token_info or {}
        assert info.get("status", "Accepted") == "Accepted", answer
        return transaction

    async def meter(self, transaction: str, meter_wh: Decimal, power_w: int, soc: int) -> None:
        more = [{"value": power_w, "measurand": "Power.Active.Import", "unit_of_measure": {"unit": "W"}},
                {"value": soc, "measurand": "SoC", "unit_of_measure": {"unit": "Percent"}}]
        await self.event("Updated", "MeterValuePeriodic", transaction, meter_wh, "Sample.Periodic", more=more,
                         charging_state="Charging")

    async def end(self, transaction: str, meter_wh: Decimal, reason: str) -> None:
        await self.event("Ended", "RemoteStop" if reason == "Remote" else "StopAuthorized", transaction, meter_wh,
                         "Transaction.End", stopped_reason=reason)

    async def event(self, kind: str, trigger: str, transaction: str, meter_wh: Decimal, context: str, more: Any = (),
                    **info: Any) -> Any:
        id_token = info.pop("id_token", None)
        energy = {"value": float(meter_wh), "context": context, "measurand": "Energy.Active.Import.Register",
                  "unit_of_measure": {"unit": "Wh"}}
        request = self.lib.call.TransactionEvent(
            event_type=kind, timestamp=now(), trigger_reason=trigger, seq_no=self.seq_no,
            transaction_info={"transaction_id": transaction, **info}, evse={"id": self.evse, "connector_id": 1},
            meter_value=[{"timestamp": now(), "sampled_value": [energy, *more]}], id_token=id_token)
        answer = await self.call(request, suppress=False)
        self.seq_no += 1
        return answer

    @on("RequestStopTransaction")
    def on_remote_stop(self, transaction_id: str, **_: Any) -> Any:
        self.stop_asked(transaction_id)
        return self.lib.call_result.RequestStopTransaction(status=self.answer_remote_stop)

    @on("GetVariables")
    def on_get_variables(self, get_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        self.commands.append("GetVariables")
        result = [{"attribute_status": "Accepted", "attribute_value": "77", "component": item["component"],
                   "variable": item["variable"]} for item in get_variable_data]
        return self.lib.call_result.GetVariables(get_variable_result=result)

    @on("TriggerMessage")
    def on_trigger(self, **_: Any) -> Any:
        self.commands.append("TriggerMessage")
        return self.lib.call_result.TriggerMessage(status="NotImplemented")


class Station201(_Station2, v201.ChargePoint):
    """OCPP 2.0.1."""

    lib = v201


class Station21(_Station2, v21.ChargePoint):
    """OCPP 2.1."""

    lib = v21


CLASSES = {"1.6": Station16, "2.0.1": Station201, "2.1": Station21}


@contextlib.asynccontextmanager
async def station(url: str, name: str, version: str, password: str | None = PASSWORD,
                  kind: type | None = None) -> AsyncIterator[Any]:
    """A connected charge point that listens until the block ends."""
    socket = await open_socket(url, name, version, password)
    assert socket.subprotocol == SUBPROTOCOLS[version], socket.subprotocol
    point = (kind or CLASSES[version])(name, socket, response_timeout=20)
    point.remember()
    listening = asyncio.create_task(point.start())
    point.listening = listening
    point.socket = socket
    try:
        yield point
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError, websockets.ConnectionClosed):
            await listening
        await socket.close()
