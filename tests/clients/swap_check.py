"""Vehicle by vehicle: the product beside `swap_oracle.py` on random scenarios whose arrivals are given as traces.

`python swap_check.py --voltwin PATH [--cases 200] [--seed 1]`. Constant swap times and healths make a run deterministic, so
both must tell the same story of every vehicle to 1e-6 s, and the same figures.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from swap_oracle import Network

TIME_S = 1e-6
RELATIVE = 1e-8


def scenario(rng: random.Random) -> dict[str, Any]:
    """A small network under stress, so that every rule has work."""
    days = rng.choice([0.5, 1, 2])
    soc_cv = rng.uniform(0.6, 0.9)
    target = rng.uniform(soc_cv + 0.01, 0.995)
    p_max, efficiency = rng.uniform(20, 120), rng.uniform(0.85, 1.0)
    p = p_max / efficiency
    wait = rng.random() < 0.6
    stations = []
    for k in range(rng.choice([1, 1, 2, 5])):
        chargers = rng.randint(1, 12)
        cap = rng.choice([None, p * rng.uniform(1.01, chargers + 1.5), p * rng.uniform(1.01, chargers + 1.5)])
        rate = rng.uniform(2, 25) / 3600
        t, trace = 0.0, []
        while True:
            t += rng.expovariate(rate)
            if t > days * 86400 * 1.05:
                break
            patience = None if rng.random() < 0.1 else rng.expovariate(1 / 500)
            trace.append([t, rng.uniform(0, soc_cv - 0.01), patience, rng.random()])
        stations.append({"id": f"S{k}", "lat": 25 + rng.uniform(-0.2, 0.2), "lon": 121 + rng.uniform(-0.2, 0.2),
                         "bays": rng.randint(1, 3), "batteries": rng.randint(1, 16), "chargers": chargers,
                         "grid_kw": cap, "demand_scale": 1.0, "trace": trace})
    reroute = {"prob": rng.random(), "max_hops": rng.randint(0, 4), "speed_kmh": rng.uniform(10, 60),
               "detour": rng.uniform(1, 2)}
    return {
        "schema": "swap-scenario/1", "name": "random", "horizon_s": days * 86400,
        "warmup_s": rng.choice([0, 0, 900 * 12]), "meter_s": 900, "seed": rng.randint(0, 1 << 31), "replications": 1,
        "battery": {"capacity_kwh": rng.uniform(2, 100), "soh0": rng.uniform(0.7, 1.0),
                    "fade_per_efc": rng.choice([0.0, 6.5e-5, 1e-3]), "swap_min_soc": 0.3},
        "charge": {"p_max_kw": p_max, "soc_cv": soc_cv, "target_soc": target, "efficiency": efficiency,
                   "cooldown_s": rng.choice([0.0, 60.0, rng.uniform(1, 300)])},
        "grid": {"policy": rng.choice(["admission", "share"])},
        "swap": rng.uniform(30, 400), "arrival_soc": 0.2,
        "service": {"on_stockout": "wait" if wait else "lost", "queue_cap": rng.choice([None, None, 0, 1, 3]),
                    "reroute": rng.choice([None, reroute, reroute])},
        "demand": {"profile_per_h": [1.0] * 24, "dow": [1.0] * 7, "rate_jitter_cv": 0.0, "arrival_jitter_s": 0.0},
        "stations": stations,
    }


def ours(command: list[str], path: Path) -> tuple[list[list[Any]], dict[str, float | None]]:
    vehicles, figures = path.with_suffix(".vehicles.json"), path.with_suffix(".kpis.json")
    one = [*command, "one", str(path), "--vehicles", str(vehicles)]
    run = [*command, "run", str(path), "--reps", "1", "--out", str(figures)]
    for call in (one, run):
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
    kpis = json.loads(figures.read_text())["kpis"]
    return json.loads(vehicles.read_text())["rows"], {name: figure["mean"] for name, figure in kpis.items()}


def apart(a: float | None, b: float | None) -> float:
    if a is None or b is None:
        return 0.0 if a is b else math.inf
    return abs(a - b)


def differences(form: dict[str, Any], rows: list[list[Any]], figures: dict[str, float | None]) -> tuple[list[str], float]:
    network = Network(form)
    expected_figures = network.run()
    expected = sorted(network.rows, key=lambda row: row[:2])
    found, worst = [], 0.0
    if len(rows) != len(expected):
        found.append(f"{len(rows)} vehicles, {len(expected)} expected")
    for got, want in zip(rows, expected):
        first, home, t, outcome, wait = want
        late = max(apart(got[0], first), apart(got[2], t), apart(got[4], wait))
        worst = max(worst, late if math.isfinite(late) else 0.0)
        if got[1] != form["stations"][home]["id"] or got[3] != outcome or late > TIME_S:
            found.append(f"{got} is not {want}")
    for name, want in expected_figures.items():
        got = figures[name]
        missing = got is None and math.isnan(want)
        if not missing and (got is None or abs(got - want) > RELATIVE * max(1.0, abs(want))):
            found.append(f"{name}: {got} is not {want}")
    return found, worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voltwin", required=True, help="the program")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    command = [options.voltwin, "swap"]
    worst, vehicles, bad = 0.0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for case in range(options.cases):
            form = scenario(random.Random(options.seed * 1_000_003 + case))
            path = Path(folder) / "scenario.json"
            path.write_text(json.dumps(form))
            rows, figures = ours(command, path)
            found, late = differences(form, rows, figures)
            worst, vehicles = max(worst, late), vehicles + len(rows)
            if found:
                bad += 1
                policy = form["grid"]["policy"]
                print(f"case {case} ({policy}): {len(found)} differences, first: {found[0]}", file=sys.stderr)
    print(f"{options.cases} scenarios, {vehicles} vehicles, {bad} scenarios differ, worst instant {worst:.3g} s apart")
    print(f"{options.cases - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
