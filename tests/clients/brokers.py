"""Events over MQTT 3.1.1, MQTT 5, NATS and JetStream, against mosquitto and nats-server, which go away in the middle; and
over TLS with both, with certificates that are to be believed and such that are not.

A broker that is not installed is skipped (Debian: mosquitto, nats-server).
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import nats
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from certificates import authority, certificate, pem
from events import EventServer
from harness import Report, arguments, checked, die_with_parent, equal, until

TWINS = 5
ROUNDS = 12
RETRY = {"pause_s": 0.1, "pause_max_s": 1, "attempts_max": 1000}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """A process on a port of its own, which can be killed and started again."""

    def __init__(self, *command: str, port: int) -> None:
        self.command = list(command)
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(self.command, stdout=quiet, stderr=quiet, preexec_fn=die_with_parent)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{self.command[0]} does not listen") from None
                time.sleep(0.05)

    def reload(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)


def work(server: EventServer, prefix: str, rounds: range) -> None:
    api = server.api()
    for round in rounds:
        for twin in range(TWINS):
            body = {"model": "dtmi:voltwin:Vehicle;1", "properties": {"soc": round / 100}}
            api.call("PUT", f"/twins/{prefix}-{twin}", body)


def endpoint(server: EventServer, name: str, target: dict[str, Any], secret: str | None = None) -> None:
    api = server.api()
    body = {"settings": {"target": target, "retry": RETRY}, "secret": secret}
    api.call("PUT", f"/event-endpoints/{name}", body)
    api.call("PUT", f"/event-routes/{name}", {"endpoint": name, "filter": f"STARTS_WITH(subject, '{name}-')"})


def judge(name: str, events: list[tuple[str, dict[str, Any]]], separator: str) -> None:
    """All are there, in the order of their twin, each where its twin's are."""
    order: dict[str, list[float]] = {}
    for topic, event in events:
        equal(topic, f"v{separator}{event['subject']}", "the topic")
        body = event["data"]
        value = body["soc"] if "soc" in body else body["patch"][0]["value"]
        values = order.setdefault(event["subject"], [])
        if value not in values:
            values.append(value)
    wanted = {f"{name}-{twin}": [round / 100 for round in range(ROUNDS)] for twin in range(TWINS)}
    equal(order, wanted, "values by twin in the order of arrival")


async def arrived(events: list[Any], count: int, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while len({(event["subject"], event["sequence"]) for _, event in events}) < count:
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(events)} of {count} events arrived")
        await asyncio.sleep(0.1)


async def mqtt(server: EventServer, version: str) -> None:
    name = "M3" if version == "3.1.1" else "M5"
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="voltwin-mosquitto-"))
    passwords = folder / "passwords"
    # the one who listens has a name of its own, so that it can be let in first: a broker keeps nothing for who is not there
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "ear", "swordfish"], check=True)
    deaf = passwords.read_text()
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "volt", "swordfish"], check=True)
    both = passwords.read_text()
    passwords.chmod(0o644)
    folder.chmod(0o755)
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
                        f"persistence false\nuser root\n")
    broker = Broker("mosquitto", "-c", str(settings), port=port)
    events: list[tuple[str, dict[str, Any]]] = []
    kinds: set[str | None] = set()

    def took(_client: Any, _data: Any, message: Any) -> None:
        kinds.add(getattr(message.properties, "ContentType", None) if message.properties else None)
        events.append((message.topic, json.loads(message.payload)))

    listening = threading.Event()

    def came(client: Any, *_: Any) -> None:
        client.subscribe("v/#", qos=1)

    protocol = paho.MQTTv311 if version == "3.1.1" else paho.MQTTv5
    listener = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"listener-{name}", protocol=protocol)
    listener.username_pw_set("ear", "swordfish")
    listener.reconnect_delay_set(0.05, 0.2)
    listener.on_message, listener.on_connect = took, came
    listener.on_subscribe = lambda *_: listening.set()
    listener.connect("127.0.0.1", port)
    listener.loop_start()
    assert listening.wait(10), "the one who listens was not let in"
    try:
        target = {"kind": "mqtt", "url": f"mqtt://127.0.0.1:{port}", "topic": "v/{twin}", "version": version,
                  "user": "volt"}
        await asyncio.to_thread(endpoint, server, name, target, "swordfish")
        half = ROUNDS // 2
        await asyncio.to_thread(work, server, name, range(half))
        await arrived(events, half * TWINS)
        broker.kill()
        await asyncio.to_thread(work, server, name, range(half, ROUNDS))
        status = (await asyncio.to_thread(server.api().get, f"/event-endpoints/{name}"))["status"]
        assert status["lag"] > 0, f"nobody listened, and yet {status}"
        passwords.write_text(deaf)
        listening.clear()
        broker.start()
        assert await asyncio.to_thread(listening.wait, 20), "the one who listens did not come back"
        passwords.write_text(both)
        broker.reload()
        await arrived(events, ROUNDS * TWINS)
        judge(name, events, "/")
        if version == "5":
            assert any(kind and kind.startswith("application/cloudevents+json") for kind in kinds), kinds
    finally:
        listener.loop_stop()
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)


async def answers(stream: Any, name: str) -> None:
    """Until the client has found the broker again and the broker its stream, which takes it as long as its disk does."""
    async with asyncio.timeout(60):
        while True:
            try:
                await stream.stream_info(name)
                return
            except nats.errors.Error:
                await asyncio.sleep(0.1)


async def nats_story(server: EventServer, jetstream: bool) -> None:
    name = "NJ" if jetstream else "NC"
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="voltwin-nats-"))
    command = ["nats-server", "-a", "127.0.0.1", "-p", str(port), "-sd", str(folder), "--auth", "swordfish"]
    broker = Broker(*command, *(["-js"] if jetstream else []), port=port)
    events: list[tuple[str, dict[str, Any]]] = []

    async def away(_error: Exception) -> None:
        """The broker is killed on purpose: that it is gone is no news."""

    client = await nats.connect(f"nats://127.0.0.1:{port}", token="swordfish", max_reconnect_attempts=-1,
                                reconnect_time_wait=0.1, allow_reconnect=True, error_cb=away)

    async def took(message: Any) -> None:
        equal(message.headers["content-type"], "application/cloudevents+json; charset=utf-8", "the type")
        events.append((message.subject, json.loads(message.data)))

    try:
        target = {"kind": "nats", "url": f"nats://127.0.0.1:{port}", "subject": "v.{twin}", "jetstream": jetstream}
        half = ROUNDS // 2
        if jetstream:
            await client.jetstream().add_stream(name="V", subjects=["v.>"])
        else:
            await client.subscribe("v.>", cb=took)
            await client.flush()
        await asyncio.to_thread(endpoint, server, name, target, "swordfish")
        await asyncio.to_thread(work, server, name, range(half))
        if jetstream:
            broker.kill()
            await asyncio.to_thread(work, server, name, range(half, ROUNDS))
            broker.start()
            stream = client.jetstream()
            await answers(stream, "V")
            reader = await stream.pull_subscribe("v.>", "reader")
            while len(events) < ROUNDS * TWINS:
                for message in await reader.fetch(ROUNDS * TWINS, timeout=30):
                    await took(message)
                    await message.ack()
            equal(len(events), ROUNDS * TWINS, "what JetStream kept, each once")
        else:
            await asyncio.to_thread(work, server, name, range(half, ROUNDS))
            await arrived(events, ROUNDS * TWINS)
        judge(name, events, ".")
    finally:
        await client.close()
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)


class BelievingServer(EventServer):
    """Believes one more authority."""

    def spawn(self, *more: str) -> subprocess.Popen[str]:
        return super().spawn("--ocpi-ca", str(self.folder / "authority.pem"), *more)


async def tls_story(voltwin: Path, kind: str) -> None:
    """An endpoint beside a certificate that nobody known issued, one that is over and one for another name tells why and
    waits; once the broker shows a good one, all that waited arrives."""
    with BelievingServer(voltwin) as server:
        ours, theirs = authority("Private authority of a broker"), authority("An authority nobody knows")
        (server.folder / "authority.pem").write_bytes(pem(ours))
        server.folder.chmod(0o755)
        server.seed("admin", "viewer")
        server.start()
        port, name = free_port(), "TM" if kind == "mqtt" else "TN"
        settings = server.folder / "mosquitto.conf"

        def broker(file: str, issuer: tuple[Any, Any], address: str, days: int) -> Broker:
            shown, key = certificate(server.folder, file, issuer, address, days)
            if kind == "nats":
                return Broker("nats-server", "-a", "127.0.0.1", "-p", str(port), "--tls", "--tlscert", shown, "--tlskey", key,
                              port=port)
            settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n"
                                f"certfile {shown}\nkeyfile {key}\n")
            return Broker("mosquitto", "-c", str(settings), port=port)

        def status() -> dict[str, Any]:
            return server.api().get(f"/event-endpoints/{name}")["status"]

        target = ({"kind": "nats", "url": f"tls://127.0.0.1:{port}", "subject": "v.{twin}"} if kind == "nats" else
                  {"kind": "mqtt", "url": f"mqtts://127.0.0.1:{port}", "topic": "v/{twin}"})
        running = broker("foreign", theirs, "127.0.0.1", 10)
        try:
            await asyncio.to_thread(endpoint, server, name, target)
            await asyncio.to_thread(work, server, name, range(ROUNDS))
            for file, issuer, address, days, why in (("foreign", theirs, "127.0.0.1", 10, "UnknownIssuer"),
                                                     ("old", ours, "127.0.0.1", -1, "expired"),
                                                     ("other", ours, "127.0.0.2", 10, "not valid for name")):
                running.kill()
                running = broker(file, issuer, address, days)
                await until(lambda: why in str(status()["last_error"]), f"an endpoint that says {why}", 30)
            assert status()["lag"] >= ROUNDS * TWINS, f"nobody could be believed, and yet {status()}"
            running.kill()
            running = broker("good", ours, "127.0.0.1", 10)
            await until(lambda: status()["lag"] == 0, "everything delivered over TLS", 60)
        finally:
            running.kill()


async def main() -> int:
    args = arguments(__doc__).parse_args()
    report = Report()
    with EventServer(checked(args.voltwin)) as server:
        server.seed("admin", "viewer")
        server.start()
        for version in ("3.1.1", "5"):
            if shutil.which("mosquitto"):
                await report.run(f"MQTT {version}", partial(mqtt, server, version), server, within_s=150)
            else:
                report.skip(f"MQTT {version}", "mosquitto is not installed")
        for jetstream in (False, True):
            title = "JetStream" if jetstream else "NATS"
            if shutil.which("nats-server"):
                await report.run(title, partial(nats_story, server, jetstream), server, within_s=150)
            else:
                report.skip(title, "nats-server is not installed")
        for kind, broker in (("mqtt", "mosquitto"), ("nats", "nats-server")):
            if shutil.which(broker):
                await report.run(f"{kind} over TLS", partial(tls_story, server.voltwin, kind), server, within_s=150)
            else:
                report.skip(f"{kind} over TLS", f"{broker} is not installed")
    # a machine without any broker has nothing to show, and nothing has failed
    return report.finish() if report.passed or report.failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
