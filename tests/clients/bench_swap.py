"""The swap simulation measured as whole processes beside a SimPy program of the same rules (`swap_oracle.py`), in one run,
in arrivals per CPU-second, as Markdown for docs/benchmarks.md.

`python bench_swap.py --voltwin PATH --speed PATH --cases FOLDER`; `--speed` is the example `speed` of the crate voltwin-swap,
FOLDER holds the reference scenarios. Ratios are of CPU time on one machine; a busy machine changes both sides.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import simpy

from swap_oracle import Network


def child(command: list[str]) -> tuple[float, float, float]:
    """CPU seconds, wall seconds, and the greatest resident memory of a process in MB."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - begin, usage.ru_maxrss / 1024


def cpu() -> float:
    return time.process_time()


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder

    def run(self, scenario: Path, reps: int, threads: int = 1) -> tuple[float, float, float, float, bytes]:
        """Arrivals, CPU s, wall s, MB, and the file of figures."""
        out = self.folder / "kpis.json"
        cost, wall, memory = child([self.options.voltwin, "swap", "run", str(scenario), "--reps", str(reps),
                                    "--threads", str(threads), "--out", str(out)])
        text = out.read_bytes()
        arrivals = json.loads(text)["kpis"]["arrivals"]["mean"] * reps
        return arrivals, cost, wall, memory, text

    def beside(self, name: str, file: str, reps: int, peer_reps: int, horizon: float | None = None) -> None:
        path = Path(self.options.cases) / file
        arrivals, cost, _, memory, _ = self.run(path, reps)
        ours = arrivals / cost
        form: dict[str, Any] = json.loads(path.read_text())
        if horizon:
            form["horizon_s"] = horizon
        begin, peer_arrivals = cpu(), 0
        for seed in range(peer_reps):
            peer_arrivals += int(Network(form, seed).run()["arrivals"])
        theirs = peer_arrivals / (cpu() - begin)
        print(f"| {name} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.0f}x | {memory:.0f} MB |", flush=True)

    def kernel(self) -> None:
        n = 4_000_000
        cost, _, memory = child([self.options.speed, "kernel", str(n)])
        ours = n / cost
        n, begin = 60_000, cpu()
        mm10(n)
        theirs = n / (cpu() - begin)
        print(f"| kernel, M/M/10 (customers) | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.0f}x | {memory:.0f} MB |")

    def threads(self, file: str, reps: int) -> None:
        path = Path(self.options.cases) / file
        one = self.run(path, reps, 1)
        two = self.run(path, reps, 2)
        same = hashlib.sha256(one[4]).digest() == hashlib.sha256(two[4]).digest()
        print(f"\nTwo threads: {one[2] / two[2]:.2f} times as fast as one by the clock ({one[2]:.1f} s, {two[2]:.1f} s); "
              f"files of figures {'identical' if same else 'DIFFERENT'}.")

    def nation(self) -> None:
        """3,750 stations over 30 days with 27 swaps a day each."""
        form = json.loads((Path(self.options.cases) / "d_size_200x30.json").read_text())
        rng, template = random.Random(1), form["stations"]
        profile = form["demand"]["profile_per_h"]
        form["demand"]["profile_per_h"] = [rate * 27 / sum(profile) for rate in profile]
        form["stations"] = [dict(rng.choice(template), id=f"N{k}", lat=rng.uniform(22, 45), lon=rng.uniform(100, 122))
                            for k in range(3750)]
        path = self.folder / "nation.json"
        path.write_text(json.dumps(form))
        arrivals, cost, wall, memory, _ = self.run(path, 1)
        print(f"\n3,750 stations over 30 days, {arrivals:,.0f} arrivals: {cost:.1f} CPU-s, {wall:.1f} s, {memory:.0f} MB.")

    def tracing(self, file: str, reps: int) -> None:
        path = Path(self.options.cases) / file
        quiet = self.run(path, reps)[1]
        traced, _, _ = child([self.options.speed, "events", str(path), str(reps)])
        print(f"\nEvery event kept in columns: {quiet / traced:.2f} of the speed without.")


def mm10(customers: int) -> None:
    rng, env = random.Random(1), simpy.Environment()
    servers = simpy.Resource(env, 10)

    def customer() -> Any:
        with servers.request() as request:
            yield request
            yield env.timeout(rng.expovariate(1.0))

    def source() -> Any:
        for _ in range(customers):
            yield env.timeout(rng.expovariate(8.0))
            env.process(customer())

    env.process(source())
    env.run()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voltwin", required=True)
    parser.add_argument("--speed", required=True)
    parser.add_argument("--cases", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        print(f"SimPy {simpy.__version__}, Python {sys.version.split()[0]}; arrivals per CPU-second.\n")
        print("| case | Voltwin | SimPy | ratio | memory |\n| --- | --- | --- | --- | --- |")
        bench.kernel()
        bench.beside("A: 1 station, 1 day", "a_station_day.json", 10_000, 60)
        bench.beside("B: 20 stations, 7 days", "b_city_week.json", 60, 1)
        bench.beside("D: 200 stations, 30 days (SimPy: 1 day of it)", "d_size_200x30.json", 1, 1, 86_400)
        bench.threads("b_city_week.json", 100)
        bench.tracing("b_city_week.json", 20)
        bench.nation()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{children.ru_utime + children.ru_stime:.0f} CPU-s in all outside of Python.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
