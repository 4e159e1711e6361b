"""A firmware campaign over stations of all versions: one fails, one is away, and the server is killed in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

from care import KINDS, fetch
from charge_points import station
from harness import ApiError, Server, api_call, equal, until

Story = Callable[[Server], Awaitable[None]]
stories: list[tuple[str, Story]] = []
VERSION = "9.9"
VERSIONS = {"CAMP-A16": "1.6", "CAMP-B201": "2.0.1", "CAMP-C21": "2.1", "CAMP-D21": "2.1"}


def story(name: str) -> Callable[[Story], Story]:
    def add(function: Story) -> Story:
        stories.append((name, function))
        return function

    return add


async def upload(server: Server, image: bytes) -> str:
    request = urllib.request.Request(f"{server.url}/api/v1/files?name=fw.bin", data=image, method="POST",
                                     headers={"Authorization": f"Bearer {server.api().key}"})
    with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
        return json.load(answer)["id"]


async def boot(point: Any, version: str, firmware: str) -> None:
    if version == "1.6":
        call = point.lib.call.BootNotification(charge_point_model="PyStation", charge_point_vendor="Campaign",
                                               firmware_version=firmware)
    else:
        about = {"model": "PyStation", "vendor_name": "Campaign", "firmware_version": firmware}
        call = point.lib.call.BootNotification(charging_station=about, reason="FirmwareUpdate")
    equal((await point.call(call, suppress=False)).status, "Accepted", "boot")


async def asked(point: Any) -> dict[str, Any]:
    """Waits for the request, and forgets it."""
    for _ in range(300):
        request = point.__dict__.get("requests", {}).pop("UpdateFirmware", None)
        if request:
            return request
        await asyncio.sleep(0.1)
    raise AssertionError("it was never asked")


async def tell(point: Any, version: str, request: dict[str, Any], status: str) -> None:
    more = {} if version == "1.6" else {"request_id": request["request_id"]}
    await point.call(point.lib.call.FirmwareStatusNotification(status=status, **more), suppress=False)


def address(version: str, request: dict[str, Any]) -> str:
    return request["location"] if version == "1.6" else request["firmware"]["location"]


async def install(point: Any, version: str, image: bytes) -> None:
    request = await asked(point)
    equal(await asyncio.to_thread(fetch, address(version, request)), image, "what it fetched")
    for status in ("Downloading", "Downloaded", "Installing"):
        await tell(point, version, request, status)
    await boot(point, version, VERSION)
    await tell(point, version, request, "Installed")


async def states(server: Server, campaign: str) -> dict[str, str]:
    rows = await api_call(server.api().pages, f"/firmware-campaigns/{campaign}/stations")
    return {row["station"]: row["state"] for row in rows}


async def until_states(server: Server, campaign: str, wanted: dict[str, str]) -> None:
    def check() -> bool:
        rows = server.api().pages(f"/firmware-campaigns/{campaign}/stations")
        return {row["station"]: row["state"] for row in rows} == wanted

    try:
        await until(check, "the campaign", within_s=30)
    except AssertionError:
        raise AssertionError(f"{await states(server, campaign)} instead of {wanted}") from None


@story("a firmware campaign in which one station fails and one is away")
async def campaign(server: Server) -> None:
    api, image = server.api(), bytes(range(256)) * 64
    file = await upload(server, image)
    for name in VERSIONS:
        await api_call(api.add_station, name)
    body = {"name": "Spring", "file": file, "version": VERSION, "filter": {"stations": list(VERSIONS)},
            "waves": {"canary": 1, "size": 2, "pause_above": 0.4}, "attempts": 2, "retry_after_s": 0}
    dry = await api_call(api.post, "/firmware-campaigns", {**body, "dry_run": True})
    equal((dry["matched"], dry["waves"], dry["problem"]), (4, [1, 2, 1], None), "the dry run")
    for wrong, field in (({"file": "none"}, "file"), ({"filter": {}}, "filter"), ({"attempts": 0}, "attempts"),
                         ({"window": {"from": "25:00", "to": "01:00"}}, "window.from"),
                         ({"waves": {"size": 1, "percent": 5}}, "waves.size")):
        try:
            await api_call(api.post, "/firmware-campaigns", {**body, **wrong})
        except ApiError as error:
            equal((error.status, error.problem["field"]), (400, field), f"{wrong}")
        else:
            raise AssertionError(f"{wrong} was taken")
    async with contextlib.AsyncExitStack() as stack:
        points: dict[str, Any] = {}

        async def join(name: str) -> Any:
            version = VERSIONS[name]
            points[name] = await stack.enter_async_context(station(server.ocpp, name, version, kind=KINDS[version]))
            await boot(points[name], version, "1.0")
            return points[name]

        # the last one has booted once and is away
        async with station(server.ocpp, "CAMP-D21", "2.1", kind=KINDS["2.1"]) as point:
            await boot(point, "2.1", "1.0")
        for name in ("CAMP-A16", "CAMP-B201", "CAMP-C21"):
            await join(name)
        started = (await api_call(api.post, "/firmware-campaigns", body))["id"]
        first = await asked(points["CAMP-A16"])
        equal(await states(server, started), {"CAMP-A16": "asked", "CAMP-B201": "pending", "CAMP-C21": "pending",
                                              "CAMP-D21": "pending"}, "while the canary is at work")
        await tell(points["CAMP-A16"], "1.6", first, "Downloading")
        await tell(points["CAMP-A16"], "1.6", first, "DownloadFailed")
        await install(points["CAMP-A16"], "1.6", image)
        failing = points["CAMP-C21"]

        async def fail() -> None:
            for _ in range(2):
                request = await asked(failing)
                await tell(failing, "2.1", request, "Downloading")
                await tell(failing, "2.1", request, "InstallationFailed")

        await asyncio.gather(install(points["CAMP-B201"], "2.0.1", image), fail())
        await until_states(server, started, {"CAMP-A16": "installed", "CAMP-B201": "installed",
                                             "CAMP-C21": "failed", "CAMP-D21": "pending"})
        found = await until(lambda: (now := api.get(f"/firmware-campaigns/{started}"))["state"] == "paused" and now,
                            "the pause")
        assert "1 of 2" in found["reason"], found
        rows = {row["station"]: row for row in await api_call(api.pages, f"/firmware-campaigns/{started}/stations")}
        equal((rows["CAMP-A16"]["attempts"], rows["CAMP-C21"]["attempts"]), (2, 2), "attempts")
        await api_call(api.post, f"/firmware-campaigns/{started}/resume", {"retry_failed": False})
        equal(len(await api_call(api.pages, f"/firmware-campaigns/{started}/stations", state="given_up")), 1,
              "stations given up")
        back = await join("CAMP-D21")
        await install(back, "2.1", image)
        await until(lambda: api.get(f"/firmware-campaigns/{started}")["state"] == "done", "the end")
        # what failed is tried again after all
        await api_call(api.post, f"/firmware-campaigns/{started}/retry")
        await install(failing, "2.1", image)
        end = await until(lambda: (now := api.get(f"/firmware-campaigns/{started}"))["state"] == "done" and now,
                          "the second end")
        equal(end["by_state"], {"installed": 4}, "stations")
        for point in points.values():
            assert not point.__dict__.get("requests", {}).get("UpdateFirmware"), "nobody is asked once more"


@story("a firmware campaign that the server is killed under")
async def killed(_: Server) -> None:
    with Server(_.voltwin) as server:
        server.seed("admin")
        server.start()
        api, image = server.api(), b"firmware" * 1_000
        file = await upload(server, image)
        names = {"KILL-A16": "1.6", "KILL-B201": "2.0.1"}
        for name in names:
            await api_call(api.add_station, name)
        for name, version in names.items():
            async with station(server.ocpp, name, version, kind=KINDS[version]) as point:
                await boot(point, version, "1.0")
        body = {"name": "Under fire", "file": file, "version": VERSION, "attempts": 3, "retry_after_s": 0,
                "filter": {"stations": list(names)}}
        started = (await api_call(api.post, "/firmware-campaigns", body))["id"]
        requests: dict[str, dict[str, Any]] = {}
        with contextlib.suppress(Exception):
            async with station(server.ocpp, "KILL-A16", "1.6", kind=KINDS["1.6"]) as one, \
                    station(server.ocpp, "KILL-B201", "2.0.1", kind=KINDS["2.0.1"]) as two:
                await boot(one, "1.6", "1.0")
                await boot(two, "2.0.1", "1.0")
                requests = {"KILL-A16": await asked(one), "KILL-B201": await asked(two)}
                await tell(two, "2.0.1", requests["KILL-B201"], "Downloading")
                server.kill()
        equal(len(requests), 2, "stations that were asked before the server was killed")
        server.start()
        await until_states(server, started, {"KILL-A16": "asked", "KILL-B201": "downloading"})
        async with station(server.ocpp, "KILL-A16", "1.6", kind=KINDS["1.6"]) as one, \
                station(server.ocpp, "KILL-B201", "2.0.1", kind=KINDS["2.0.1"]) as two:
            for point, name in ((one, "KILL-A16"), (two, "KILL-B201")):
                await boot(point, names[name], "1.0")
                # the address still holds
                got = await asyncio.to_thread(fetch, address(names[name], requests[name]))
                equal(got, image, "what it fetched after the restart")
            await asyncio.sleep(2.5)
            for point in (one, two):
                assert not point.__dict__.get("requests"), "a station was asked a second time in one attempt"
            for point, name in ((one, "KILL-A16"), (two, "KILL-B201")):
                await tell(point, names[name], requests[name], "Installing")
                await boot(point, names[name], VERSION)
            await until(lambda: api.get(f"/firmware-campaigns/{started}")["state"] == "done", "the end")
        rows = await api_call(api.pages, f"/firmware-campaigns/{started}/stations")
        equal([(row["state"], row["attempts"]) for row in rows], [("installed", 1)] * 2, "stations")
