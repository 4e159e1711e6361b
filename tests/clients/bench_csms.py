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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_ocpp import machine, percentile, start_peer, versions
from harness import PASSWORD, TENANT, Server, arguments, checked, die_with_parent, read_line
from secure import SecureServer

ALL = ["hold", "storm", "values", "commands", "hostile", "tls"]
OURS, PEER = "Voltwin", "PyPI `ocpp` (keeps nothing)"


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


def table(*columns: str) -> Callable[..., None]:
    """Prints the head of a table; what it returns prints a row."""
    print(f"\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}", flush=True)
    return lambda *cells: print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


class Bench:
    def __init__(self, voltwin: Path, args: Any) -> None:
        self.voltwin, self.args = voltwin, args
        self.seconds = args.seconds

    def load(self, url: str, *args: str, own: bool = True) -> Load:
        return Load(self.voltwin, url, self.passwords if own else None, *args)

    def seed(self, server: Server) -> None:
        """Stations with passwords that we generate, as `voltwin admin station import` prints them."""
        names = [f"LOAD-{number}" for number in range(max(self.args.stations, 500))]
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
        row = table("stations held, a meter value every 10 s each", "stations", "first connect + boot", "server CPU",
                    "p50 ms", "p99 ms", "lost", "memory per station", "whole process")

        def held(name: str, url: str, pid: int, count: int, own: bool) -> None:
            process, before = Process(pid), 0
            for number in (count // 2, count):
                load = self.load(url, "steady", "--stations", str(number), "--rate", str(number / 10), "--seconds",
                                 str(self.args.hold_s), "--outside-transactions", own=own)
                if own:
                    self.until_online(server, number)
                else:
                    time.sleep(number / 250)
                time.sleep(self.args.hold_s / 2)
                cpu, began = process.cpu_s(), time.monotonic()
                time.sleep(self.args.hold_s / 4)
                share = (process.cpu_s() - cpu) / (time.monotonic() - began)
                rss, report = process.rss_kib(), load.report()
                if number < count:
                    before = rss
                time.sleep(3)
            each = (rss - before) / (count - count // 2)
            row(name, f"{report['connected']:,}", f"{report['connect_s']:.1f} s", f"{share:.0%} of a core",
                f"{report['p50_ms']:.1f}", f"{report['p99_ms']:.1f}", report["errors"], f"{each:.1f} KiB",
                f"{rss / 1024:.0f} MiB")

        held(f"{OURS}, with twins", server.ocpp, server.process.pid, self.args.stations, True)
        self.peer(lambda url: held(PEER, url, self.peer_pid, min(1_000, self.args.stations), False))

    def until_online(self, server: Server, number: int) -> None:
        deadline = time.monotonic() + 600
        while server.api().get("/overview")["stations"]["online"] < number and time.monotonic() < deadline:
            time.sleep(0.5)

    def storm(self, server: Server) -> None:
        """All connections break at once."""
        row = table("outage: all come back within 1 s", "stations", "late transactions each", "round", "accepted again",
                    "all back", "all told", "boot p50", "boot p99", "boot max", "retries", "errors")

        def stormed(name: str, url: str, stations: int, rounds: int, queued: int, own: bool) -> None:
            report = self.load(url, "storm", "--stations", str(stations), "--rounds", str(rounds), "--queued",
                               str(queued), own=own).report()
            for number, one in enumerate(report["rounds"], 1):
                row(name, f"{report['connected']:,}", queued, number, f"{one['accepted']:,}",
                    f"{one['all_back_s']:.1f} s", f"{one['all_told_s']:.1f} s", f"{one['boot_p50_ms']:.0f} ms",
                    f"{one['boot_p99_ms']:.0f} ms", f"{one['boot_max_ms']:.0f} ms", one["retries"], one["errors"])

        stormed(OURS, server.ocpp, self.args.stations, 5, 0, True)
        stormed(OURS, server.ocpp, self.args.stations, 1, 10, True)
        self.peer(lambda url: stormed(PEER, url, min(1_000, self.args.stations), 2, 0, False))

    def values(self, server: Server) -> None:
        """Meter values in closed loop, acknowledged after the commit."""
        row = table("messages in closed loop, 200 stations", "what", "per s", "p50 ms", "p99 ms", "errors",
                    "server CPU per message")
        kinds = [("OCPP 1.6 `MeterValues`, outside of transactions", ["--ocpp", "1.6", "--outside-transactions"]),
                 ("OCPP 1.6 `MeterValues` of transactions", ["--ocpp", "1.6"]),
                 ("OCPP 2.0.1 `TransactionEvent`", ["--ocpp", "2.0.1"])]

        def run(name: str, url: str, pid: int, own: bool) -> None:
            for what, args in kinds:
                self.load(url, "steady", "--stations", "200", "--seconds", "2", *args, own=own).report()
                process = Process(pid)
                cpu = process.cpu_s()
                report = self.load(url, "steady", "--stations", "200", "--seconds", str(self.seconds), *args,
                                   own=own).report()
                each = 1e6 * (process.cpu_s() - cpu) / max(1, report["acked"])
                row(name, what, f"{report['per_s']:,.0f}", f"{report['p50_ms']:.1f}", f"{report['p99_ms']:.1f}",
                    report["errors"], f"{each:.0f} µs")

        run(f"{OURS}, after the commit", server.ocpp, server.process.pid, True)
        self.peer(lambda url: run(PEER, url, self.peer_pid, False))

    def commands(self, server: Server) -> None:
        """Remote commands through the API and back, beside other traffic."""
        row = table("remote command: API to station and back", "asked for beside it", "served beside it", "commands",
                    "p50 ms", "p99 ms", "max ms")
        for rate in (100, 1_000, 5_000):
            load = self.load(server.ocpp, "steady", "--stations", "500", "--rate", str(rate), "--seconds",
                             str(self.seconds + 6), "--ocpp", "1.6", "--outside-transactions")
            self.until_online(server, 500)
            time.sleep(2)
            delays = self.ask(server, seconds=self.seconds)
            report = load.report()
            row(OURS, f"{rate:,} meter values/s", f"{report['per_s']:,.0f}/s", f"{len(delays):,}",
                f"{statistics.median(delays):.1f}", f"{percentile(delays, 0.99):.1f}", f"{max(delays):.1f}")
            time.sleep(2)

    def ask(self, server: Server, seconds: float) -> list[float]:
        """Two clients in closed loop. The load's stations refuse every command: an answer all the same."""
        delays: list[float] = []
        failures: list[str] = []
        key = server.keys["admin"]

        def client(offset: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            body = json.dumps({"action": "TriggerMessage", "payload": {"requestedMessage": "Heartbeat"}})
            end = time.monotonic() + seconds
            number = offset
            while time.monotonic() < end and not failures:
                number = (number + 2) % 500
                began = time.perf_counter()
                connection.request("POST", f"/api/v1/stations/LOAD-{number}/commands?wait_s=30", body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status not in (200, 201, 202):
                    failures.append(f"{answer.status}: {text[:300]!r}")
                delays.append(1e3 * (time.perf_counter() - began))
                time.sleep(0.02)

        clients = [threading.Thread(target=client, args=(offset,)) for offset in range(2)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        if failures:
            raise AssertionError(failures[0])
        return delays

    def hostile(self, server: Server) -> None:
        """What 50 well-behaved stations feel beside peers that are not."""
        row = table("hostile peers", "of which kind", "how many", "their connections", "ended by the server",
                    "what 50 others feel: p50 ms", "p99 ms", "max ms", "errors")

        def attacked(name: str, url: str, own: bool) -> None:
            for kind in ("none", "half-open", "trickle", "huge", "flood"):
                many = self.args.hostile if kind in ("half-open", "trickle") else min(20, self.args.hostile)
                evil = None
                if kind != "none":
                    evil = self.load(url, "hostile", kind, "--stations", str(many), "--prefix", "EVIL-", "--seconds",
                                     str(self.seconds + 5), own=own)
                    time.sleep(2.5)
                good = self.load(url, "steady", "--stations", "50", "--rate", "200", "--seconds", str(self.seconds),
                                 "--ocpp", "1.6", "--outside-transactions", own=own).report()
                done = evil.report() if evil else {"connections": 0, "ended": 0}
                row(name, kind, many if evil else 0, f"{done['connections']:,}", f"{done['ended']:,}",
                    f"{good['p50_ms']:.1f}", f"{good['p99_ms']:.1f}", f"{good['max_ms']:.1f}",
                    good["errors"] + 50 - good["connected"])

        attacked(OURS, server.ocpp, True)
        self.peer(lambda url: attacked(PEER, url, False))

    def tls(self, server: SecureServer) -> None:
        """Stations over TLS 1.3: what one costs while it is held, and how many full handshakes there are a second."""
        row = table("stations over TLS 1.3, certificate P-256", "stations", "memory per station", "the same without TLS",
                    "handshake + boot, all at once", "server CPU for one", "the same without TLS", "errors")
        trusting = ["--ca", str(server.data / "ca" / "ca.pem")]
        count = min(2_000, self.args.stations)
        found = []
        for more in (trusting, []):
            # what the stations before have left in memory would hide what these take
            server.kill()
            server.start()
            # the first stations of a process cost what is needed once
            self.load(server.ocpp, "steady", "--stations", "100", "--seconds", "2", "--outside-transactions").report()
            url = f"wss://127.0.0.1:{server.tls_port}/ocpp" if more else server.ocpp
            found.append(self.come(url, server.process.pid, count, more, True))
        secure, plain = found
        self.tls_row(row, OURS, count, secure, plain)
        count = min(500, count)
        found = []
        identity = ["--cert", str(server.folder / "127.0.0.1.pem"), "--key", str(server.folder / "127.0.0.1.key")]
        for options, more in ((identity, trusting), ([], [])):
            self.peer(lambda url, more=more: found.append(self.come(url, self.peer_pid, count, more, False)), *options)
        self.tls_row(row, PEER, count, *found)

    def come(self, url: str, pid: int, count: int, more: list[str], own: bool) -> tuple[float, float, float, int]:
        """KiB a station, boots a second, µs of CPU a boot, errors."""
        process = Process(pid)
        before = process.rss_kib()
        load = self.load(url, "steady", "--stations", str(count), "--rate", str(count / 4), "--seconds", "10",
                         "--outside-transactions", *more, own=own)
        time.sleep(count / 400 + 6)
        each = (process.rss_kib() - before) / count
        load.report()
        time.sleep(2)
        cpu = process.cpu_s()
        storm = self.load(url, "storm", "--stations", str(count), "--rounds", "2", "--within-s", "0", "--connectors",
                          "0", *more,
                          own=own).report()
        boots = storm["connected"] + sum(one["accepted"] for one in storm["rounds"])
        cost = 1e6 * (process.cpu_s() - cpu) / max(1, boots)
        last = storm["rounds"][-1]
        errors = sum(one["errors"] for one in storm["rounds"]) + 3 * count - boots
        time.sleep(2)
        return each, last["accepted"] / max(1e-3, last["all_back_s"]), cost, errors

    def tls_row(self, row: Callable[..., None], name: str, count: int, secure: tuple[float, float, float, int],
                plain: tuple[float, float, float, int]) -> None:
        row(name, f"{count:,}", f"{secure[0]:.1f} KiB", f"{plain[0]:.1f} KiB", f"{secure[1]:,.0f}/s",
            f"{secure[2]:,.0f} µs", f"{plain[2]:,.0f} µs", secure[3] + plain[3])

    def peer(self, run: Callable[[str], None], *args: str) -> None:
        process = start_peer(*args)
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
    parser.add_argument("--hold-s", type=float, default=24, help="seconds for which stations are held")
    parser.add_argument("--seconds", type=float, default=10, help="seconds of the other measurements")
    parser.add_argument("--only", nargs="+", choices=ALL, default=ALL)
    args = parser.parse_args()
    voltwin = checked(args.voltwin)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    began = time.monotonic()
    print(f"Command: `cargo xtask bench {' '.join(args.only)}`, {args.stations:,} stations. Machine: {machine()}. "
          f"{versions(voltwin)}.", flush=True)
    bench = Bench(voltwin, args)
    for name in args.only:
        with SecureServer(voltwin) if name == "tls" else Server(voltwin) as server:
            if isinstance(server, SecureServer):
                server.prepare()
            else:
                server.seed("admin")
            bench.seed(server)
            server.start()
            getattr(bench, name)(server)
    print(f"\n{time.monotonic() - began:.0f} s in all", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
