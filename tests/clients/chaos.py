"""Every transaction once, to the watt-hour, whatever happens on the way: `voltwin load chaos` against a server that is
killed again and again, judged through the API.

The load knows what each of its transactions really came to and writes it to a ledger when the central system has
acknowledged all of it. At the end the charge detail records must say the same: none lost, none doubled, no Wh off,
every injected anomaly flagged and no flag without one.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from harness import PASSWORD, TENANT, Report, Server, api_call, arguments, checked, die_with_parent

SHOWN = 40  # differences that are printed


def seed_stations(server: Server, count: int) -> None:
    """Stations of one password, known before the server starts."""
    server.seed("admin")
    listed = server.folder / "stations.csv"
    lines = "".join(f"CHAOS-{number},,{PASSWORD}\n" for number in range(count))
    listed.write_text("station,name,password\n" + lines)
    server.admin("station", "import", str(listed), "--tenant", TENANT)


def begin_load(server: Server, args: Any, ledger: Path) -> subprocess.Popen[str]:
    command = [str(server.voltwin), "load", "chaos", "--url", server.ocpp, "--password", PASSWORD, "--json", "--prefix",
               "CHAOS-", "--stations", str(args.stations), "--transactions", str(args.transactions), "--seed",
               str(args.seed), "--ledger", str(ledger)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                            preexec_fn=die_with_parent)


def lines_of(ledger: Path) -> int:
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


async def kill_again_and_again(server: Server, load: subprocess.Popen[str], ledger: Path, args: Any) -> int:
    """SIGKILL when the ledger has come to places drawn at random, and a start soon after."""
    dice = random.Random(args.seed)
    last = args.transactions * 9 // 10
    places = sorted(dice.randint(1, max(1, last)) for _ in range(args.kills))
    kills = 0
    for place in places:
        while load.poll() is None and await asyncio.to_thread(lines_of, ledger) < place:
            await asyncio.sleep(0.02)
        if load.poll() is not None:
            break
        await asyncio.sleep(dice.uniform(0, 0.05))
        server.kill()
        kills += 1
        await asyncio.sleep(dice.uniform(0, 0.5))
        await asyncio.to_thread(server.start)
    return kills


async def chaos(server: Server, args: Any) -> None:
    seed_stations(server, args.stations)
    server.start()
    ledger = server.folder / "ledger.ndjson"
    load = begin_load(server, args, ledger)
    began = time.monotonic()
    kills = await kill_again_and_again(server, load, ledger, args)
    out, _ = await asyncio.to_thread(load.communicate)
    took = time.monotonic() - began
    if load.returncode:
        raise AssertionError(f"the load ended with {load.returncode}")
    told = json.loads(out)
    if args.keep:
        Path(args.keep).write_bytes(ledger.read_bytes())
    print(f"{told['transactions']} transactions ({told['anomalies']} with an anomaly, {told['late']} told late) in "
          f"{told['messages']} messages over {took:.0f} s: {told['acknowledged']} answered, {told['duplicates']} sent twice, "
          f"{told['answers_lost']} answers lost, {told['connections']} connections, {told['boots']} boots, {told['refused']} "
          f"refused, {kills} kills")
    sent = [json.loads(line) for line in ledger.read_text().splitlines()]
    api = server.api()
    window = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    records = [item["transaction"] for item in await api_call(api.pages, "/cdrs", **window)]
    transactions = await api_call(api.pages, "/transactions")
    wrong = judge(sent, records, transactions)
    if told["failed"] or told["disagreed"]:
        wrong.append(f"{told['failed']} stations gave up, {told['disagreed']} starts were answered with a second id")
    if told["transactions"] != args.transactions or len(sent) != args.transactions:
        wrong.append(f"{len(sent)} of {args.transactions} transactions were acknowledged")
    if kills < args.kills and not args.fewer_kills:
        wrong.append(f"the load ended after {kills} of {args.kills} kills")
    if wrong:
        raise AssertionError(f"{len(wrong)} differences:\n  " + "\n  ".join(wrong[:SHOWN]))


def key_of(sent: dict[str, Any]) -> tuple[str, str]:
    """A stop of OCPP 1.6 that has no id is known by its reading, which no other has."""
    return sent["station"], sent["transaction_id"] or f"orphan {sent['meter_stop_wh']}"


def key_found(item: dict[str, Any]) -> tuple[str, str]:
    orphan = item["state"] == "orphan"
    return item["station"], f"orphan {Decimal(item['meter_stop_wh']).normalize():f}" if orphan else item["transaction_id"]


def judge(sent: list[dict[str, Any]], records: list[dict[str, Any]], transactions: list[dict[str, Any]]) -> list[str]:
    """What the central system says, held against what was sent."""
    wrong = []
    expected = {key_of(line): line for line in sent}
    for name, items in (("/cdrs", records), ("/transactions", transactions)):
        found = Counter(map(key_found, items))
        lost = [key for key in expected if key not in found]
        doubled = [key for key, count in found.items() if count > 1]
        foreign = [key for key in found if key not in expected]
        wrong += [f"{name}: {key} is lost ({expected[key]})" for key in lost]
        wrong += [f"{name}: {key} is there {found[key]} times" for key in doubled]
        wrong += [f"{name}: nobody sent {key}" for key in foreign]
        off = Decimal(0)
        for item in items:
            line = expected.get(key_found(item))
            if line is None:
                continue
            error = Decimal(item["energy_wh"]) - Decimal(line["energy_wh"])
            off += abs(error)
            if error:
                wrong.append(f"{name}: {error} Wh of error: {line}; {item['energy_wh']} Wh {item['flags']}")
            if sorted(item["flags"]) != line["flags"]:
                wrong.append(f"{name}: flagged {sorted(item['flags'])}, not as {line}")
            if (item["state"], item["offline"]) != (line["state"], line["offline"]):
                wrong.append(f"{name}: {item['state']}, offline {item['offline']}, not as {line}")
            if item["events"] != line["events"]:
                wrong.append(f"{name}: {item['events']} events, not as {line}")
        energy = sum((Decimal(item["energy_wh"]) for item in items), Decimal(0))
        truth = sum((Decimal(line["energy_wh"]) for line in sent), Decimal(0))
        print(f"{name}: {len(items)} for {len(sent)} sent, {len(lost)} lost, {len(doubled)} doubled, {energy} Wh of {truth} Wh, "
              f"{off} Wh of error")
    anomalies = Counter(line["anomaly"] for line in sent)
    skewed = sum(any(flag.startswith("clock") for flag in line["flags"]) for line in sent)
    print("injected: " + ", ".join(f"{count} {name}" for name, count in sorted(anomalies.items()))
          + f"; {skewed} by clocks a day off")
    return wrong


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--transactions", type=int, default=2_000)
    parser.add_argument("--stations", type=int, default=60)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--within-s", type=float, default=300)
    parser.add_argument("--keep", help="copies the ledger to this file")
    parser.add_argument("--fewer-kills", action="store_true", help="the load may end before all kills")
    args = parser.parse_args()
    report = Report()
    with Server(checked(args.voltwin)) as server:
        name = f"{args.transactions} transactions of {args.stations} stations, {args.kills} kills"
        await report.run(name, partial(chaos, server, args), server, within_s=args.within_s)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
