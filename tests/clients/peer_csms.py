"""A central system on the PyPI `ocpp` library: the peer of the benchmarks, and a check of our own scripts.

It keeps nothing: every answer is given from memory, and a crash forgets every transaction.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import ssl
from datetime import datetime, timezone
from typing import Any

import websockets
from ocpp import v16, v21, v201
from ocpp.routing import on

logging.getLogger("ocpp").setLevel(logging.CRITICAL)

numbers = itertools.count(1)


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


class Central16(v16.ChargePoint):
    @on("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        return v16.call_result.BootNotification(current_time=now(), interval=60, status="Accepted")

    @on("Heartbeat")
    def on_heartbeat(self) -> Any:
        return v16.call_result.Heartbeat(current_time=now())

    @on("StatusNotification")
    def on_status(self, **_: Any) -> Any:
        return v16.call_result.StatusNotification()

    @on("Authorize")
    def on_authorize(self, **_: Any) -> Any:
        return v16.call_result.Authorize(id_tag_info={"status": "Accepted"})

    @on("StartTransaction")
    def on_start(self, **_: Any) -> Any:
        return v16.call_result.StartTransaction(transaction_id=next(numbers), id_tag_info={"status": "Accepted"})

    @on("MeterValues")
    def on_meter(self, **_: Any) -> Any:
        return v16.call_result.MeterValues()

    @on("StopTransaction")
    def on_stop(self, **_: Any) -> Any:
        return v16.call_result.StopTransaction()


class _Central2:
    lib: Any

    @on("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        return self.lib.call_result.BootNotification(current_time=now(), interval=60, status="Accepted")

    @on("Heartbeat")
    def on_heartbeat(self, **_: Any) -> Any:
        return self.lib.call_result.Heartbeat(current_time=now())

    @on("StatusNotification")
    def on_status(self, **_: Any) -> Any:
        return self.lib.call_result.StatusNotification()

    @on("Authorize")
    def on_authorize(self, **_: Any) -> Any:
        return self.lib.call_result.Authorize(id_token_info={"status": "Accepted"})

    @on("TransactionEvent")
    def on_transaction(self, **_: Any) -> Any:
        return self.lib.call_result.TransactionEvent()

    @on("MeterValues")
    def on_meter(self, **_: Any) -> Any:
        return self.lib.call_result.MeterValues()


class Central201(_Central2, v201.ChargePoint):
    lib = v201


class Central21(_Central2, v21.ChargePoint):
    lib = v21


CLASSES = {"ocpp1.6": Central16, "ocpp2.0.1": Central201, "ocpp2.1": Central21}


async def serve(socket: Any) -> None:
    name = socket.request.path.rsplit("/", 1)[-1]
    point = CLASSES[socket.subprotocol](name, socket)
    try:
        await point.start()
    except websockets.ConnectionClosed:
        pass


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert", help="speaks TLS with this certificate (PEM)")
    parser.add_argument("--key", help="its key (PEM)")
    args = parser.parse_args()
    context = None
    if args.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(args.cert, args.key)
    async with websockets.serve(serve, "127.0.0.1", args.port, subprotocols=list(CLASSES), compression=None,
                                ssl=context) as server:
        scheme = "wss" if context else "ws"
        print(f"listening {scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
