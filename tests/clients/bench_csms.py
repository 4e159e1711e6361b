"""How much a central system bears, measured from outside by `voltwin load`, as Markdown for docs/benchmarks.md.

Each scenario is a process of its own on the loopback; the peer, a central system on the PyPI `ocpp` library that keeps
nothing, gets the same load in the same run where it can bear it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bench_ocpp import machine, percentile, start_peer, versions
from harness import PASSWORD, TENANT, Server, arguments, checked, die_with_parent, read_line

ALL = ["hold", "storm", "values", "commands", "hostile"]


class Process:
    """What /proc tells of a server."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def rss_kib(self) -> int:
        return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text()).group(1))

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Load:
    """`voltwin load …` in the background."""

    def __init__(self, voltwin: Path, url: str, passwords: Path | None, *args: str) -> None:
        secret = ["--passwords", str(passwords)] if passwords else ["--password", PASSWORD]
        self.command = [str(voltwin), "load", *args, "--url", url, *secret, "--json"]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=die_with_parent)

    def report(self) -> dict[str, Any]:
        out, _ = self.process.communicate(timeout=1_800)
        if self.process.returncode:
            raise AssertionError(f"{' '.join(self.command)} ended with {self.process.returncode}")
        return json.loads(out)


class Bench:
    def __init__(self, voltwin: Path, args: Any) -> None:
        self.voltwin, self.args = voltwin, args

    def load(self, url: str, *args: str, own: bool = True) -> Load:
        return Load(self.voltwin, url, self.passwords if own else None, *args)

    def seed(self, server: Server) -> None:
        """Stations with passwords that we generate, as `voltwin admin station import` prints them."""
        server.seed("admin")
        names = [f"LOAD-{number}" for number in range(self.args.stations)]
        names += [f"EVIL-{number}" for number in range(self.args.hostile)]
        listed = server.folder / "stations.csv"
        listed.write_text("station,name,password\n" + "".join(f"{name},,\n" for name in names))
        command = [str(self.voltwin), "admin", "station", "import", str(listed), "--tenant", TENANT, "--data",
                   str(server.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.passwords = server.folder / "passwords.csv"
        self.passwords.write_text(done.stdout)

    def hold(self, server: Server) -> None:
        """Stations held with their twins, each sending a meter value every ten seconds."""
        process = Process(server.process.pid)
        count, half = self.args.stations, self.args.stations // 2
        held = {}
        for number in (half, count):
            load = self.load(server.ocpp, "steady", "--stations", str(number), "--rate", str(number / 10),
                             "--seconds", str(self.args.hold_s), "--outside-transactions")
            deadline = time.monotonic() + 600
            while server.api().get("/overview")["stations"]["online"] < number and time.monotonic() < deadline:
                time.sleep(0.5)
            time.sleep(self.args.hold_s / 2)
            cpu, began = process.cpu_s(), time.monotonic()
            time.sleep(self.args.hold_s / 4)
            share = (process.cpu_s() - cpu) / (time.monotonic() - began)
            held[number] = (process.rss_kib(), share, load.report())
            time.sleep(3)
        rss, share, report = held[count]
        each = (rss - held[half][0]) / (count - half)
        print("\n| stations held, a meter value every 10 s each | first connect + boot | server CPU | p50 ms | p99 ms | lost "
              "| memory per station with its twins | whole process |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
        print(f"| {report['connected']:,} | {report['connect_s']:.1f} s | {share:.0%} of a core | {report['p50_ms']:.1f} "
              f"| {report['p99_ms']:.1f} | {report['errors']} | {each:.1f} KiB | {rss / 1024:.0f} MiB |", flush=True)

    def storm(self, server: Server) -> None:
        """All connections break at once."""
        rows = []
        for queued in (0, 10):
            report = self.load(server.ocpp, "storm", "--stations", str(self.args.stations), "--rounds", "5",
                               "--queued", str(queued)).report()
            rows += [("Voltwin", report["connected"], queued, number, one) for number, one in
                     enumerate(report["rounds"], 1)]
        self.peer(lambda url: rows.extend(
            ("PyPI `ocpp`", 200, 0, number, one) for number, one in enumerate(
                self.load(url, "storm", "--stations", "200", "--rounds", "2", own=False).report()["rounds"], 1)))
        print("\n| outage: all come back within 1 s | stations | late transactions each | round | accepted again | all back "
              "| all told | boot p50 | boot p99 | boot max | retries | errors |\n"
              "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for name, stations, queued, number, one in rows:
            print(f"| {name} | {stations:,} | {queued} | {number} | {one['accepted']:,} | {one['all_back_s']:.1f} s "
                  f"| {one['all_told_s']:.1f} s | {one['boot_p50_ms']:.0f} ms | {one['boot_p99_ms']:.0f} ms "
                  f"| {one['boot_max_ms']:.0f} ms | {one['retries']} | {one['errors']} |", flush=True)

    def values(self, server: Server) -> None:
        """Meter values in closed loop, acknowledged after the commit."""
        print("\n| meter values in closed loop, 200 stations | per s | p50 ms | p99 ms | server CPU per message |\n"
              "| --- | --- | --- | --- | --- |")
        kinds = [("OCPP 1.6 `MeterValues`, outside of transactions", ["--ocpp", "1.6", "--outside-transactions"]),
                 ("OCPP 1.6 `MeterValues` of transactions", ["--ocpp", "1.6"]),
                 ("OCPP 2.0.1 `TransactionEvent`", ["--ocpp", "2.0.1"])]

        def run(name: str, url: str, pid: int, own: bool) -> None:
            for what, args in kinds:
                self.load(url, "steady", "--stations", "200", "--seconds", "2", *args, own=own).report()
                process = Process(pid)
                cpu = process.cpu_s()
                report = self.load(url, "steady", "--stations", "200", "--seconds", "10", *args, own=own).report()
                each = 1e6 * (process.cpu_s() - cpu) / max(1, report["acked"])
                print(f"| {name}: {what} | {report['per_s']:,.0f} | {report['p50_ms']:.1f} | {report['p99_ms']:.1f} "
                      f"| {each:.0f} µs |", flush=True)

        run("Voltwin, after the commit", server.ocpp, server.process.pid, True)
        self.peer(lambda url: run("PyPI `ocpp`, keeps nothing", url, self.peer_pid, False))

    def commands(self, server: Server) -> None:
        """Remote commands through the API and back, beside other traffic."""
        print("\n| remote command: API to station and back | background | commands | p50 ms | p99 ms | max ms |\n"
              "| --- | --- | --- | --- | --- | --- |")
        for rate in (0, 1_000, 5_000):
            load = self.load(server.ocpp, "steady", "--stations", "500", "--rate", str(rate or 1), "--seconds", "25",
                             "--ocpp", "1.6", "--outside-transactions")
            time.sleep(6)
            delays = self.ask(server, seconds=12)
            report = load.report()
            print(f"| Voltwin | {report['per_s'] if rate else 0:,.0f} meter values/s | {len(delays):,} "
                  f"| {statistics.median(delays):.1f} | {percentile(delays, 0.99):.1f} | {max(delays):.1f} |", flush=True)

    def ask(self, server: Server, seconds: float) -> list[float]:
        """Two clients in closed loop. The load's stations refuse every command: an answer all the same."""
        delays: list[float] = []
        key = server.keys["admin"]

        def client(offset: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            body = json.dumps({"action": "TriggerMessage", "payload": {"requestedMessage": "Heartbeat"}})
            end = time.monotonic() + seconds
            number = offset
            while time.monotonic() < end:
                number = (number + 2) % 500
                began = time.perf_counter()
                connection.request("POST", f"/api/v1/stations/LOAD-{number}/commands?wait_s=30", body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    raise AssertionError(f"{answer.status}: {text[:300]!r}")
                delays.append(1e3 * (time.perf_counter() - began))
                time.sleep(0.02)

        clients = [threading.Thread(target=client, args=(offset,)) for offset in range(2)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        return delays

    def hostile(self, server: Server) -> None:
        """What 50 well-behaved stations feel beside peers that are not."""
        print("\n| hostile peers | how many | their connections | ended by us | what 50 others feel: p50 ms | p99 ms | max ms | errors |\n"
              "| --- | --- | --- | --- | --- | --- | --- | --- |")
        for kind in ("none", "half-open", "trickle", "huge", "flood"):
            many = self.args.hostile if kind in ("half-open", "trickle") else min(20, self.args.hostile)
            evil = None
            if kind != "none":
                evil = self.load(server.ocpp, "hostile", kind, "--stations", str(many), "--prefix", "EVIL-", "--seconds", "22")
                time.sleep(3)
            good = self.load(server.ocpp, "steady", "--stations", "50", "--rate", "200", "--seconds", "12",
                             "--ocpp", "1.6", "--outside-transactions").report()
            done = evil.report() if evil else {"connections": 0, "ended": 0}
            print(f"| {kind} | {many if evil else 0} | {done['connections']:,} | {done['ended']:,} | {good['p50_ms']:.1f} "
                  f"| {good['p99_ms']:.1f} | {good['max_ms']:.1f} | {good['errors']} |", flush=True)

    def peer(self, run: Any) -> None:
        process = start_peer()
        try:
            self.peer_pid = process.pid
            run(read_line(process, 20).split()[1] + "/ocpp")
        finally:
            process.kill()
            process.wait()


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--stations", type=int, default=10_000, help="stations of the outage and of those held")
    parser.add_argument("--hostile", type=int, default=1_000, help="hostile peers that hold connections")
    parser.add_argument("--hold-s", type=float, default=40, help="seconds for which stations are held")
    parser.add_argument("--only", nargs="+", choices=ALL, default=ALL)
    args = parser.parse_args()
    voltwin = checked(args.voltwin)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"Command: `python tests/clients/bench_csms.py --voltwin target/release/voltwin {' '.join(sys.argv[3:])}`. "
          f"Machine: {machine()}. {versions(voltwin)}.", flush=True)
    bench = Bench(voltwin, args)
    for name in args.only:
        with Server(voltwin) as server:
            bench.seed(server)
            server.start()
            getattr(bench, name)(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
