"""Recorded sessions, told again over OCPP, end up in the registry with exactly the energy that the file says.

The file is read here a second time, by Python's csv and decimal, and compared session by session. The recordings are
shared data that lies beside the repository (or where VOLTWIN_SHARED says); without them those checks are left out.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

from harness import PASSWORD, Report, Server, api_call, arguments, checked, equal

SPEED = 5_000
REPLAY_WITHIN_S = 300
DAYS = [
    ("acn_caltech_2019-05-01_to_2019-08-31.csv.gz", "2019-06-14"),
    ("acn_jpl_2019-05-01_to_2019-08-31.csv.gz", "2019-06-14"),
]
HEADER = "arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id,session_id\n"
GOOD = "2019-06-14 08:00:00-07:00,2019-06-14 09:00:00-07:00,10,5.5,ST-1,s-1\n"
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "no column of energy": b"arrival,departure,station_id,session_id\n",
    "no rows": HEADER.encode(),
    "a time that is none": (HEADER + GOOD.replace("2019-06-14 08:00:00-07:00", "yesterday")).encode(),
    "energy that is no number": (HEADER + GOOD.replace("5.5", "NaN")).encode(),
    "negative energy": (HEADER + GOOD.replace("5.5", "-5.5")).encode(),
    "departure before arrival": (HEADER + GOOD.replace("2019-06-14 09", "2019-06-13 09")).encode(),
    "one session twice": (HEADER + GOOD + GOOD).encode(),
    "bytes that are no text": b"\x00\xff\xfe\x80" * 400,
    "gzip that breaks off": gzip.compress((HEADER + GOOD * 2_000).encode())[:60],
}


def recordings() -> Path | None:
    beside = Path(__file__).resolve().parents[2].parent / "shared"
    folder = Path(os.environ.get("VOLTWIN_SHARED", beside)) / "data/energy/sessions"
    return folder if folder.is_dir() else None


def sessions_of(file: Path, day: str) -> dict[str, list[tuple[datetime, Decimal]]]:
    """Arrival and energy in Wh of the day's sessions, by station, in the order of arrival."""
    sessions: dict[str, list[tuple[datetime, Decimal]]] = {}
    with gzip.open(file, "rt", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["arrival"].startswith(day):
                arrival = datetime.fromisoformat(row["arrival"])
                energy_wh = Decimal(row["delivered_energy (kWh)"]) * 1000
                sessions.setdefault(row["station_id"], []).append((arrival, energy_wh))
    for list_ in sessions.values():
        list_.sort()
    return sessions


def replay(voltwin: Path, file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [str(voltwin), "replay", "--sessions", str(file), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=REPLAY_WITHIN_S, stdin=subprocess.DEVNULL)


async def day_exact(voltwin: Path, file: Path, day: str) -> None:
    expected = sessions_of(file, day)
    assert len(expected) > 5, f"{file.name} has {len(expected)} stations on {day}"
    with Server(voltwin) as server:
        server.seed("admin")
        server.start()
        api = server.api()
        for station in expected:
            await api_call(api.add_station, station)
        done = await asyncio.to_thread(replay, voltwin, file, "--day", day, "--speed", str(SPEED), "--url", server.ocpp,
                                       "--password", PASSWORD, "--ocpp", "mixed")
        equal(done.returncode, 0, f"exit code ({done.stderr.strip()[-400:]})")
        records = await api_call(api.pages, "/transactions")
    found: dict[str, list[dict[str, object]]] = {}
    for record in sorted(records, key=lambda record: record["started_at"]):
        found.setdefault(record["station"], []).append(record)
    equal(sorted(found), sorted(expected), "stations")
    wrong = []
    for station, sessions in expected.items():
        told = [(Decimal(str(record["energy_wh"])), record["state"]) for record in found[station]]
        if told != [(energy, "ended") for _, energy in sessions]:
            wrong.append(f"{station}: {told}, the file says {sessions}")
    equal(wrong, [], "stations that differ")
    total = sum((Decimal(str(record["energy_wh"])) for record in records), Decimal(0))
    equal(total, sum(energy for sessions in expected.values() for _, energy in sessions), "energy in all, Wh")
    print(f"{len(records)} sessions at {len(expected)} stations, {total} Wh, each as the file says")


async def hostile(voltwin: Path, name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="voltwin-replay-") as folder:
        file = Path(folder) / "sessions.csv.gz"
        file.write_bytes(content)
        # Nothing listens there: a file that is refused is refused before anything is sent.
        more = ("--url", "ws://127.0.0.1:9/ocpp", "--password", PASSWORD)
        done = await asyncio.to_thread(replay, voltwin, file, *more)
        lines = done.stderr.strip().splitlines()
        equal((done.returncode, len(lines)), (2, 1), f"exit code and lines for {name} ({lines[-3:]})")
        assert len(lines[0]) < 400, f"one clear line: {lines[0][:500]}"


async def no_file(voltwin: Path) -> None:
    done = await asyncio.to_thread(replay, voltwin, Path("/nowhere/sessions.csv"), "--password", PASSWORD)
    equal((done.returncode, len(done.stderr.strip().splitlines())), (2, 1), f"a file that is not there ({done.stderr})")


async def main() -> int:
    voltwin = checked(arguments(__doc__).parse_args().voltwin)
    report = Report()
    folder = recordings()
    for name, day in DAYS:
        title = f"{name.split('_')[1]} on {day}, session by session"
        if folder is None:
            report.skip(title, "no recordings beside the repository and none where VOLTWIN_SHARED says")
            continue
        await report.run(title, partial(day_exact, voltwin, folder / name, day), within_s=REPLAY_WITHIN_S)
    for name, content in HOSTILE.items():
        await report.run(f"a hostile file: {name}", partial(hostile, voltwin, name, content))
    await report.run("a file that is not there", partial(no_file, voltwin))
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
