"""Events for programs: a webhook that fails at random while the server is killed again and again, and the stream.

Every acknowledged change must arrive at least once, those of one twin in their order, with the same id each time; the
numbers of the log have no gaps; a reader of the stream that goes on from its last number sees every event once.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from typing import Any, Iterator

from event_receiver import Receiver
from harness import Api, ApiError, Report, Server, arguments, checked, equal

TWINS = 20
ROUNDS = 60
KILLS = 6


class EventServer(Server):
    """May send events to this machine."""

    def spawn(self, *more: str) -> subprocess.Popen[str]:
        return super().spawn("--event-host", "127.0.0.1", *more)


def stream(server: Server, after: int, filter: str | None = None) -> Iterator[dict[str, Any]]:
    """Server-sent events from a number on, as a browser reads them."""
    query = f"?after={after}" + (f"&filter={urllib.request.quote(filter)}" if filter else "")
    headers = {"Authorization": f"Bearer {server.keys['viewer']}", "Accept": "text/event-stream"}
    request = urllib.request.Request(f"{server.url}/api/v1/events{query}", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        fields: dict[str, str] = {}
        for raw in response:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
            elif "data" in fields:
                event = json.loads(fields["data"])
                if "event" in fields:
                    raise AssertionError(f"the stream says {fields['event']}: {event}")
                equal(event["sequence"], fields["id"], "the id of the stream")
                yield event
                fields = {}


def lines(server: Server, after: int, **query: Any) -> tuple[list[dict[str, Any]], int]:
    """The next lines and the number to go on from."""
    text = "&".join(f"{name}={urllib.request.quote(str(value))}" for name, value in query.items())
    headers = {"Authorization": f"Bearer {server.keys['viewer']}", "Accept": "application/x-ndjson"}
    address = f"{server.url}/api/v1/events?after={after}&{text}"
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=40) as response:
        body = response.read().decode()
        return [json.loads(line) for line in body.splitlines()], int(response.headers["X-Voltwin-Next"])


def patiently(call: Any) -> Any:
    """Repeats a call that must hold until the server is back and has answered it."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return call()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def value_of(event: dict[str, Any]) -> float | None:
    for operation in event["data"].get("patch", []):
        if operation["path"] == "/soc":
            return operation["value"]
    return event["data"].get("soc")


async def killed_and_failing(server: EventServer) -> None:
    receiver = Receiver(seed=7)
    receiver.failing = 0.3
    api = server.api()
    retry = {"pause_s": 0.05, "pause_max_s": 1, "timeout_s": 5, "attempts_max": 1000}
    settings = {"target": {"kind": "webhook", "url": receiver.url}, "retry": retry}
    api.call("PUT", "/event-endpoints/hook", {"settings": settings})
    equal(receiver.asked, ["demo.voltwin"], "who asked for leave")
    api.call("PUT", "/event-routes/all", {"endpoint": "hook"})
    stop = threading.Event()
    errors: list[BaseException] = []

    def write() -> None:
        # soc grows by twin, so that order can be seen in the values
        try:
            for round in range(ROUNDS):
                for twin in range(TWINS):
                    body = {"model": "dtmi:voltwin:Vehicle;1", "properties": {"soc": round / 100}}
                    patiently(partial(api.call, "PUT", f"/twins/EV-{twin}", body))
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    kills, dice = 0, random.Random(3)
    while not stop.is_set() and kills < KILLS:
        await asyncio.sleep(dice.uniform(0.4, 1.2))
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        kills += 1
    await asyncio.to_thread(writer.join)
    assert not errors, errors
    head = await asyncio.to_thread(settled_head, api)
    # a change whose answer was lost is sent again and changes nothing: it is told once
    equal(head, TWINS * ROUNDS, "events in the log")
    await asyncio.to_thread(receiver.wait_for, head)
    ids: dict[int, str] = {}
    order: dict[str, list[float]] = {}
    for event in receiver.taken:
        number = int(event["sequence"])
        equal(ids.setdefault(number, event["id"]), event["id"], "the id of an event that was sent again")
        values = order.setdefault(event["subject"], [])
        value = value_of(event)
        assert value is not None, event
        if value not in values:
            values.append(value)
    equal(len(order), TWINS, "twins")
    for twin, values in order.items():
        equal(values, [round / 100 for round in range(ROUNDS)], f"the values of {twin} in the order of arrival")
    repeated = len(receiver.taken) - head
    print(f"{kills} kills, {head} events, {repeated} of them more than once")
    receiver.close()


def settled_head(api: Api) -> int:
    """The number of the newest event when no more come."""
    head = -1
    while True:
        time.sleep(1)
        now = api.get("/event-log")["head"]
        if now == head:
            return head
        head = now


async def resumed_stream(server: EventServer) -> None:
    head = server.api().get("/event-log")["head"]
    seen: list[int] = []
    # broken off again and again, each time in another place
    while len(seen) < head:
        for event in stream(server, seen[-1] if seen else 0):
            seen.append(int(event["sequence"]))
            if len(seen) % 97 == 0 or len(seen) == head:
                break
    equal(seen, list(range(1, head + 1)), "the numbers of the stream")
    numbers, place = [], 0
    while place < head:
        found, place = lines(server, place, limit=100)
        numbers += [int(event["sequence"]) for event in found]
    equal(numbers, seen, "the numbers of the lines")
    filter = "subject = 'EV-3' AND type = 'Microsoft.DigitalTwins.Twin.Update'"
    found, place = lines(server, 0, limit=1000, filter=filter)
    equal(len(found), ROUNDS - 1, "updates of one twin")
    equal({event["subject"] for event in found}, {"EV-3"}, "their subject")
    waiting = asyncio.create_task(asyncio.to_thread(lines, server, head, wait_s=20))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(server.api().call, "PUT", "/twins/EV-NEW",
                            {"model": "dtmi:voltwin:Vehicle;1", "properties": {}})
    found, place = await asyncio.wait_for(waiting, 10)
    equal([(event["subject"], int(event["sequence"])) for event in found], [("EV-NEW", head + 1)], "the waited event")


async def refused(server: EventServer) -> None:
    api = server.api()
    viewer = server.api("viewer")
    file = {"settings": {"target": {"kind": "file"}}}
    wrong = [
        (api, "PUT", "/event-routes/x", {"endpoint": "hook", "filter": "type == 'x'"}, 400, "filter"),
        (api, "PUT", "/event-routes/x y", {"endpoint": "hook"}, 400, "id"),
        (api, "PUT", "/event-routes/x", {"endpoint": "nowhere"}, 404, None),
        (api, "PUT", "/event-endpoints/-x", file, 400, "name"),
        (api, "PUT", "/event-endpoints/near", {"settings": {"target": {"kind": "webhook", "url": "http://10.0.0.1/"}}},
         409, None),
        (api, "PUT", "/event-endpoints/near", {"settings": {"target": {"kind": "webhook", "url": "x"}}},
         400, "settings.target.url"),
        (viewer, "PUT", "/event-endpoints/mine", file, 403, None),
        (viewer, "POST", "/event-endpoints/hook/test", {}, 403, None),
        (viewer, "GET", "/events?after=99999999", None, 400, "after"),
        (viewer, "GET", "/events?filter=nonsense", None, 400, "filter"),
    ]
    for caller, method, path, body, status, field in wrong:
        try:
            await asyncio.to_thread(caller.call, method, path.replace(" ", "%20"), body)
        except ApiError as error:
            equal((error.status, error.problem.get("field")), (status, field), f"{method} {path}")
        else:
            raise AssertionError(f"{method} {path} was let through")
    other = server.api("other/admin")
    equal(other.get("/event-endpoints")["items"], [], "endpoints of another tenant")
    equal(lines_of(server, other), [], "events of another tenant")


def lines_of(server: Server, api: Api) -> list[str]:
    headers = {"Authorization": f"Bearer {api.key}", "Accept": "application/x-ndjson"}
    request = urllib.request.Request(f"{server.url}/api/v1/events?after=0", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read().decode().splitlines()


async def main() -> int:
    args = arguments(__doc__).parse_args()
    report = Report()
    with EventServer(checked(args.voltwin)) as server:
        server.seed("admin", "viewer")
        server.seed("admin", tenant="other")
        server.start()
        await report.run(f"{KILLS} kills and a webhook that fails", partial(killed_and_failing, server), server,
                         within_s=300)
        await report.run("a stream that breaks off", partial(resumed_stream, server), server)
        await report.run("what is refused, and other tenants", partial(refused, server), server)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
