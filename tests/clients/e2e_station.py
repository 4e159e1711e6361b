"""A station that charges for as long as it is let, for the browser to watch: PyPI `ocpp`, OCPP 2.1.

Each meter value has a power of its own, so that what the screen shows tells which message it comes from. What it sends
and what it is asked to do goes, one JSON object a line with its time, to the log.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import websockets

from charge_points import station
from harness import PASSWORD, die_with_parent

EVERY_S = 1.5
PAUSE_S = 4
# Told apart on a screen that shows tenths of a kilowatt.
POWERS_W = range(7_000, 22_000, 100)


class Log:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def line(self, event: str, **more: Any) -> None:
        record = {"at_ms": round(time.time() * 1000, 1), "event": event, **more}
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")


async def charge(point: Any, log: Log, step: int) -> int:
    """One transaction until somebody stops it; the next step."""
    point.remember()
    transaction = await point.begin(1, "E2E-CARD", Decimal(0))
    log.line("started", transaction=transaction)
    meter_wh = Decimal(0)
    while not point.remote_stop.done():
        power_w = POWERS_W[step % len(POWERS_W)]
        step += 1
        meter_wh += Decimal(power_w) / 1000
        log.line("meter", power_w=power_w, transaction=transaction)
        await point.meter(transaction, meter_wh, power_w, 20 + step % 60)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(point.remote_stop), EVERY_S)
    log.line("remote_stop", transaction=point.remote_stop.result())
    await point.end(transaction, meter_wh, "Remote")
    log.line("ended", transaction=transaction)
    return step


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="ws://…/ocpp")
    parser.add_argument("--station", default="E2E-METER")
    parser.add_argument("--password", default=PASSWORD)
    parser.add_argument("--log", type=Path, required=True)
    args = parser.parse_args()
    die_with_parent()
    log = Log(args.log)
    step = 0
    while True:
        try:
            async with station(args.url, args.station, "2.1", args.password) as point:
                await point.boot()
                await point.status(1, "Available")
                # Something for the alarm desk: the second EVSE is broken for good.
                await point.status(2, "Faulted")
                log.line("booted")
                while True:
                    await point.status(1, "Occupied")
                    step = await charge(point, log, step)
                    await point.status(1, "Available")
                    await asyncio.sleep(PAUSE_S)
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            log.line("disconnected", reason=repr(error))
            await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main())
