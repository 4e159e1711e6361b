"""Data history as Delta tables: what `deltalake` and DuckDB read, row by row against the event log, across kills."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable

from events import EventServer, lines
from harness import TENANT, Report, arguments, checked, equal, until

TABLES = ("property_updates", "twin_events", "relationship_events")
FLUSHED_WITHIN_S = 40


def told(server: EventServer) -> list[dict[str, Any]]:
    """The whole log."""
    events: list[dict[str, Any]] = []
    place, head = 0, server.api().get("/event-log")["head"]
    while place < head:
        found, place = lines(server, place, limit=1000)
        events += found
    return events


def plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def expected(events: list[dict[str, Any]]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows that the events amount to, by the documented columns."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
    for event in events:
        what, action = event["type"].split(".")[-2:]
        twin, _, link = event["subject"].partition("/relationships/")
        data, source = event["data"], event["source"]
        if what == "Twin" and action == "Update":
            for operation in data["patch"]:
                value = plain(operation["value"]) if "value" in operation else None
                key = operation["path"][1:].replace("/", ".")
                rows["property_updates"].append((source, twin, data["modelId"], key, value, None, None))
        elif what == "Twin":
            rows["twin_events"].append((twin, source, action, data["$metadata"]["$model"]))
        else:
            assert what == "Relationship" and action != "Update", event
            row = (link, data["$relationshipName"], source, action, twin, data["$targetId"])
            rows["relationship_events"].append(row)
    return rows


COLUMNS = {
    "property_updates": ["ServiceId", "Id", "ModelId", "Key", "Value", "RelationshipId", "RelationshipTarget"],
    "twin_events": ["TwinId", "ServiceId", "Action", "ModelId"],
    "relationship_events": ["RelationshipId", "Name", "ServiceId", "Action", "Source", "Target"],
}
ALL = {
    "property_updates": ["TimeStamp", "SourceTimeStamp", *COLUMNS["property_updates"]],
    "twin_events": ["TwinId", "TimeStamp", "ServiceId", "Action", "ModelId"],
    "relationship_events": ["RelationshipId", "Name", "TimeStamp", "ServiceId", "Action", "Source", "Target"],
}


def by_deltalake(folder: Path, name: str) -> list[tuple[Any, ...]]:
    if not (folder / name / "_delta_log").is_dir():
        return []
    table = DeltaTable(str(folder / name))
    fields = [(field.name, field.type.type) for field in table.schema().fields]
    kinds = [(column, "timestamp" if column.endswith("TimeStamp") else "string") for column in ALL[name]]
    equal(fields, kinds, f"the columns of {name}")
    rows = duckdb.arrow(table.to_pyarrow_dataset()).project(", ".join(f'"{c}"' for c in COLUMNS[name])).fetchall()
    return rows


def by_duckdb(folder: Path, name: str) -> list[tuple[Any, ...]]:
    """The files that the newest version names, read by DuckDB's own reader of Parquet."""
    if not (folder / name / "_delta_log").is_dir():
        return []
    files = DeltaTable(str(folder / name)).file_uris()
    if not files:
        return []
    columns = ", ".join(f'"{column}"' for column in COLUMNS[name])
    return duckdb.sql(f"SELECT {columns} FROM read_parquet({files!r})").fetchall()


def same(found: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]]) -> bool:
    key = partial(map, str)
    return sorted(found, key=lambda row: list(key(row))) == sorted(wanted, key=lambda row: list(key(row)))


def work(server: EventServer, round: int) -> None:
    api = server.api()
    for number in range(5):
        twin = f"EV-{round}-{number}"
        api.call("PUT", f"/twins/{twin}", {"model": "dtmi:voltwin:Vehicle;1", "properties": {"soc": 0.1}})
        pack = {"model": "dtmi:voltwin:BatteryPack;1", "properties": {}}
        api.call("PUT", f"/twins/P-{round}-{number}", pack)
        api.call("PATCH", f"/twins/{twin}", {"relationships": [{"name": "hasPack", "target": f"P-{round}-{number}"}]})
        for step in range(4):
            api.call("PATCH", f"/twins/{twin}", {"properties": {"soc": 0.2 + step / 10, "name": f"Van {step} 'ä'"}})
        cells = {"properties": {"cell_voltage_v": [3.7, 3.71]}}
        api.call("PATCH", f"/twins/P-{round}-{number}", cells)
    api.call("DELETE", f"/twins/EV-{round}-0")


def wait_for_rows(server: EventServer, folder: Path) -> None:
    wanted = expected(told(server))
    deadline = time.monotonic() + FLUSHED_WITHIN_S
    while True:
        found = {name: by_deltalake(folder, name) for name in TABLES}
        if all(same(found[name], wanted[name]) for name in TABLES):
            break
        if time.monotonic() > deadline:
            odd = {name: list(set(found[name]) ^ set(wanted[name]))[:4] for name in TABLES}
            counts = {name: (len(found[name]), len(wanted[name])) for name in TABLES}
            raise AssertionError(f"rows (found, wanted): {counts}; only on one side: {odd}")
        time.sleep(1)
    for name in TABLES:
        assert wanted[name], f"nothing was written to {name}"
        assert same(by_duckdb(folder, name), wanted[name]), f"{name} by DuckDB"


def sizes_are_told(server: EventServer, folder: Path) -> bool:
    log = server.api().get("/event-log")
    equal(log["history_folder"], f"events/{TENANT}/history", "where the tables are")
    told_of = {table["name"]: table["bytes"] for table in log["history_tables"]}
    return told_of == {name: sum(Path(file).stat().st_size for file in DeltaTable(str(folder / name)).file_uris()) for name in TABLES}


async def rows_across_kills(server: EventServer) -> None:
    server.api().call("PUT", "/event-log", {"history": True})
    folder = server.data / "events" / TENANT / "history"
    for round in range(3):
        await asyncio.to_thread(work, server, round)
        if round < 2:
            # at different places between an event and its row
            await asyncio.sleep(6 * round)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
    await asyncio.to_thread(wait_for_rows, server, folder)
    await until(lambda: sizes_are_told(server, folder), "the sizes of the tables by the API", within_s=20)
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(work, server, 3)
    wanted = expected(told(server))
    # a server that stops leaves nothing unwritten
    await asyncio.to_thread(server.stop)
    for name in TABLES:
        assert same(by_deltalake(folder, name), wanted[name]), f"{name} after a stop"
    await long_table(server, folder)
    times = DeltaTable(str(folder / "property_updates")).to_pyarrow_table()
    assert str(times.schema.field("TimeStamp").type) == "timestamp[us, tz=UTC]", times.schema


CHECKPOINT_EVERY = 10


async def long_table(server: EventServer, folder: Path) -> None:
    """Enough commits for checkpoints; then readers, and we, do without the commits before them."""
    logs = folder / "twin_events" / "_delta_log"
    for round in range(4, 4 + CHECKPOINT_EVERY):
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(work, server, round)
        wanted = expected(told(server))
        await asyncio.to_thread(server.stop)
    newest = json.loads((logs / "_last_checkpoint").read_text())["version"]
    assert newest >= CHECKPOINT_EVERY, newest
    for name in TABLES:
        logs = folder / name / "_delta_log"
        newest = json.loads((logs / "_last_checkpoint").read_text())["version"]
        for commit in logs.glob("*.json"):
            if int(commit.stem) <= newest:
                commit.unlink()
        assert same(by_deltalake(folder, name), wanted[name]), f"{name} from its checkpoint by deltalake"
        assert same(by_duckdb(folder, name), wanted[name]), f"{name} from its checkpoint by DuckDB"
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(work, server, 4 + CHECKPOINT_EVERY)
    wanted = expected(told(server))
    await asyncio.to_thread(server.stop)
    for name in TABLES:
        assert same(by_deltalake(folder, name), wanted[name]), f"{name} goes on from its checkpoint"


async def main() -> int:
    args = arguments(__doc__).parse_args()
    report = Report()
    with EventServer(checked(args.voltwin)) as server:
        server.seed("admin", "viewer")
        server.start()
        await report.run("rows of data history across kills", partial(rows_across_kills, server), server, within_s=400)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
