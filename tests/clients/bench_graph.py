"""The twin graph measured as whole processes over its public API, beside PostgreSQL in the same run, on the same disk, as
Markdown for docs/benchmarks.md.

Both answer a change after it is on the disk. Load comes from processes of their own: `voltwin load graph` for Voltwin,
`pgbench` for PostgreSQL, which keeps each twin as a row with its properties as JSONB.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_csms import Process, table
from bench_ocpp import machine, percentile
from graph_world import World
from harness import ApiError, Server, arguments, checked, die_with_parent, read_line
from postgres import NotThere, Postgres, Run

VERSION = "api-version=2023-10-31"
INTERFACES = 1_364
OURS = "Voltwin"
HOP = ("SELECT E.$dtId FROM DIGITALTWINS S JOIN C RELATED S.contains JOIN E RELATED C.hasEvse "
       "WHERE S.$dtId = '{twin}' AND E.status = 'Available'")
COUNT = "SELECT COUNT() FROM DIGITALTWINS T WHERE T.soc < 0.2"
SQL = {
    "patch": "\\set n random(0, :vehicles - 1)\n"
             "UPDATE twins SET properties = properties || jsonb_build_object('odometer_m', (:n)::int), updated_at = now() "
             "WHERE id = 'V-' || (:n)::int;",
    # each client has the vehicles of its number, so that none waits for another's rows
    "batch": "\\set first random(0, :vehicles / 8 - :items - 1)\n"
             "UPDATE twins SET properties = properties || jsonb_build_object('odometer_m', (:first)::int), "
             "updated_at = now() WHERE id IN (SELECT 'V-' || (8 * ((:first)::int + k) + (:client_id)::int) "
             "FROM generate_series(0, (:items)::int - 1) k);",
    "read": "\\set n random(0, :vehicles - 1)\nSELECT properties FROM twins WHERE id = 'V-' || (:n)::int;",
    "hop": "\\set n random(0, :sites - 1)\n"
           "SELECT e.id FROM relationships a JOIN relationships b ON b.source = a.target AND b.name = 'hasEvse' "
           "JOIN twins e ON e.id = b.target WHERE a.source = 'S-' || (:n)::int AND a.name = 'contains' "
           "AND e.properties ->> 'status' = 'Available';",
    "count": "SELECT count(*) FROM twins WHERE (properties ->> 'soc')::float8 < 0.2;",
}


def say(text: str) -> None:
    print(text, flush=True)


def ms(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


class Bench:
    """One server with one graph."""

    def __init__(self, server: Server, world: World, args: Namespace) -> None:
        self.server, self.world, self.args = server, world, args

    def call(self, method: str, path: str, body: Any = None, data: Any = None) -> Any:
        """The data plane of Azure Digital Twins."""
        headers = {"Authorization": f"Bearer {self.server.keys['admin']}", "Content-Type": "application/json"}
        payload = json.dumps(body).encode() if body is not None else data
        address = f"{self.server.url}{path}?{VERSION}"
        request = urllib.request.Request(address, data=payload, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=600) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.read().decode(errors="replace")) from None

    def load(self, *args: Any, seconds: float | None = None) -> dict[str, Any]:
        loader = self.args.loader or self.server.voltwin
        command = [str(loader), "load", "graph", *map(str, args), "--server", self.server.url, "--seconds",
                   str(seconds or self.args.seconds), "--json"]
        assert self.server.process is not None
        process = Process(self.server.process.pid)
        cpu = process.cpu_s()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True,
                              preexec_fn=die_with_parent, env={**os.environ, "VOLTWIN_API_KEY": self.server.keys["admin"]})
        report = json.loads(done.stdout)
        report["cpu_us"] = 1e6 * (process.cpu_s() - cpu) / max(1, report["items"])
        if report["errors"]:
            say(f"**{report['errors']} errors** in `{' '.join(map(str, args))}`")
        return report

    def vehicles(self, *args: Any, twins: int | None = None, **more: Any) -> dict[str, Any]:
        return self.load(*args, "--prefix", "V-", "--twins", twins or self.world.vehicles, **more)

    def fill(self) -> dict[str, float]:
        """Imports the world as one job."""
        assert self.server.process is not None
        process, figures = Process(self.server.process.pid), {}
        empty_kib = process.rss_kib()
        path = self.server.folder / "world.ndjson"
        twins, links = self.world.write_import(path)
        began = time.perf_counter()
        with path.open("rb") as file:
            headers = {"Authorization": f"Bearer {self.server.keys['admin']}", "Content-Type": "application/json",
                       "Content-Length": str(path.stat().st_size)}
            address = f"{self.server.url}/jobs/uploads/world?{VERSION}"
            request = urllib.request.Request(address, data=file, method="PUT", headers=headers)
            urllib.request.urlopen(request, timeout=600).close()
        figures["upload_s"] = time.perf_counter() - began
        path.unlink()
        began, cpu = time.perf_counter(), process.cpu_s()
        self.call("PUT", "/jobs/imports/world", {"inputBlobUri": "upload:world"})
        while (job := self.call("GET", "/jobs/imports/world"))["status"] in ("notstarted", "running"):
            time.sleep(0.1)
        figures["import_s"], figures["import_cpu_s"] = time.perf_counter() - began, process.cpu_s() - cpu
        if job["status"] != "succeeded":
            raise AssertionError(f"the import is {job['status']}: {job.get('error')}")
        figures["settled_s"] = self.settle()
        found = self.call("POST", "/query", {"query": "SELECT COUNT() FROM DIGITALTWINS"})["value"][0]["COUNT"]
        assert found == twins, f"{found} of {twins} twins"
        figures["links"], figures["bytes_per_twin"] = links, (process.rss_kib() - empty_kib) * 1024 / twins
        return figures

    def settle(self) -> float:
        """Waits until the history has what the graph has, so that it does not disturb what is measured next."""
        began, quiet = time.perf_counter(), 0
        while quiet < 3 and time.perf_counter() - began < 900:
            text = urllib.request.urlopen(f"{self.server.url}/metrics", timeout=30).read().decode()
            lags = [float(line.split()[-1]) for line in text.splitlines() if line.startswith("voltwin_feed_lag{")]
            quiet = quiet + 1 if max(lags, default=0) < 1_024 else 0
            time.sleep(0.5)
        return time.perf_counter() - began - 1.5

    def stop_and_start(self) -> tuple[float, float, float]:
        """Seconds of an orderly stop, of a start, and of a start after SIGKILL beside changes."""
        assert self.server.process is not None
        process, began = self.server.process, time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait(600)
        stopped, started = time.perf_counter() - began, self.start()
        changes = [str(self.args.loader or self.server.voltwin), "load", "graph", "batch", "--server", self.server.url,
                   "--prefix", "V-", "--twins", str(self.world.vehicles), "--rate", "20", "--seconds", "30"]
        beside = subprocess.Popen(changes, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env={**os.environ, "VOLTWIN_API_KEY": self.server.keys["admin"]},
                                  preexec_fn=die_with_parent)
        time.sleep(5)
        self.server.kill()
        beside.kill()
        beside.wait()
        return stopped, started, self.start()

    def start(self) -> float:
        """Seconds until it answers a query over all twins."""
        began = time.perf_counter()
        self.server.process = self.server.spawn("--streams", "5000") if self.args.loader is None else self.server.spawn()
        line = read_line(self.server.process, 600)
        self.server.port = int(re.search(r":(\d+)$", line.strip()).group(1))
        self.call("POST", "/query", {"query": "SELECT COUNT() FROM DIGITALTWINS"})
        return time.perf_counter() - began


def fsync(folder: Path, count: int = 300) -> tuple[float, float]:
    """p50 and p99 in ms of writing 4 kB at the end of a file and having them on the disk."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(count):
            os.write(file.fileno(), b"x" * 4_096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times), percentile(times, 0.99)


def ours(args: Namespace, world: World, results: dict[str, Any]) -> None:
    with Server(checked(args.voltwin)) as server:
        server.seed("admin")
        bench = Bench(server, world, args)
        bench.start()
        results["fill"] = bench.fill()
        results["serial"] = bench.vehicles("patch", "--connections", 1)
        results["patch"] = bench.vehicles("patch", "--connections", 64)
        results["change"] = bench.vehicles("change", "--connections", 64)
        for items in (100, 1_000):
            results[f"batch {items}"] = bench.vehicles("batch", "--connections", 8, "--items", items)
            results[f"settle {items}"] = bench.settle()
        results["read"] = bench.vehicles("read", "--connections", 4)
        results["hop"] = bench.load("query", "--query", HOP, "--prefix", "S-", "--twins", world.sites, "--connections", 4)
        results["count"] = bench.vehicles("query", "--query", COUNT, "--connections", 4)
        # a twin for each subscriber; the changes come in calls of 50, as a gateway would send them
        each = ["--items", 50, "--rate", args.notified / 50, "--connections", 32]
        results["watch"] = bench.vehicles("batch", *each, "--subscribers", args.subscribers, twins=args.subscribers)
        # the stream is the one with numbers, that leaves nothing out: late is a figure, lost is a fault
        watch = results["watch"]
        wrong = {name: watch[name] for name in ("missing", "twice", "disordered", "gone") if watch[name]}
        assert not wrong, f"of {watch['owed']} events that subscribers were owed: {wrong}"
        bench.settle()
        results["stop"], results["start"], results["after_kill"] = bench.stop_and_start()


def postgres(args: Namespace, world: World, results: dict[str, Any]) -> str:
    with Postgres() as server:
        twins, links = server.folder / "twins.tsv", server.folder / "links.tsv"
        world.write_copy(twins, links)
        began = time.perf_counter()
        server.sql(f"""
            CREATE TABLE twins (id text PRIMARY KEY, model text NOT NULL, properties jsonb NOT NULL,
                                updated_at timestamptz NOT NULL DEFAULT now());
            CREATE TABLE relationships (source text NOT NULL, id text NOT NULL, name text NOT NULL, target text NOT NULL,
                                        PRIMARY KEY (source, id));
            COPY twins (id, model, properties) FROM '{twins}';
            COPY relationships FROM '{links}';
            CREATE INDEX twins_model ON twins (model);
            CREATE INDEX twins_properties ON twins USING gin (properties jsonb_path_ops);
            CREATE INDEX relationships_target ON relationships (target);""")
        results["fill"] = time.perf_counter() - began
        server.sql("VACUUM ANALYZE; CHECKPOINT")
        items = min(1_000, world.vehicles // 16)

        def writes(suffix: str) -> None:
            numbers = {"vehicles": world.vehicles}
            results["serial" + suffix] = server.bench(SQL["patch"], 1, args.seconds, **numbers)
            results["patch" + suffix] = server.bench(SQL["patch"], 64, args.seconds, **numbers)
            for count in (100, items):
                batch = server.bench(SQL["batch"], 8, args.seconds, items=count, **numbers)
                results[f"batch {100 if count == 100 else 1_000}{suffix}"] = Run(batch.per_s * count, batch.p50_ms,
                                                                                batch.p99_ms)

        for name in ("read", "hop", "count"):
            results[name] = server.bench(SQL[name], 4, args.seconds, vehicles=world.vehicles, sites=world.sites)
        writes("")
        server.sql("DROP INDEX twins_properties; VACUUM ANALYZE; CHECKPOINT")
        writes(" bare")
        return server.version()


def ontology() -> list[str]:
    """As many interfaces as the largest public ontology of buildings has, that extend each other."""
    def one(number: int) -> str:
        contents: list[Any] = [{"@type": "Property", "name": f"value{number}", "schema": "double"},
                               {"@type": "Relationship", "name": f"part{number}"}]
        extends = {"extends": f"dtmi:bench:Kind{number // 4};1"} if number else {}
        return json.dumps({"@context": "dtmi:dtdl:context;3", "@id": f"dtmi:bench:Kind{number};1", "@type": "Interface",
                           "displayName": {"en": f"Kind {number}"}, "contents": contents, **extends})

    return [one(number) for number in range(INTERFACES)]


def answered(command: list[str], lines: list[str]) -> list[float]:
    """Milliseconds from the start of a process to its first answer, then from each line to its answer."""
    began, times = time.perf_counter(), []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          preexec_fn=die_with_parent) as process:
        for line in lines:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert answer["valid"], answer
            times.append(1e3 * (time.perf_counter() - began))
            began = time.perf_counter()
        process.kill()
    return times


def dtdl(args: Namespace) -> None:
    texts, rounds = ontology(), 6
    row = table(f"an ontology of {INTERFACES:,} interfaces, {sum(map(len, texts)) / 1e3:.0f} kB", "from the start of the process",
                "again in the same process, best of five")
    told = answered([str(args.voltwin), "dtdl", "check", "--stream"],
                    [json.dumps({"id": n, "input": texts}) for n in range(rounds)])
    row("`voltwin dtdl check`", f"{told[0]:.0f} ms", f"{min(told[1:]):.0f} ms")
    oracle = Path(__file__).with_name("node") / "dtdl_oracle.mjs"
    if not args.modules or shutil.which("node") is None:
        return
    whole = "[" + ",".join(texts) + "]"
    theirs = answered(["node", str(oracle), str(args.modules)],
                      [json.dumps({"id": n, "text": whole}) for n in range(rounds)])
    row("the official parser (npm `@digicatapult/dtdl-parser`)", f"{theirs[0]:,.0f} ms",
        f"{min(theirs[1:]):,.0f} ms ({min(theirs[1:]) / min(told[1:]):.0f} times ours)")


def tell(args: Namespace, world: World, own: dict[str, Any], peer: dict[str, Any], version: str | None) -> None:
    size = f"{world.twins:,} twins"
    row = table(f"durable changes, {size}", "Voltwin", "of it CPU of the server, each", "PostgreSQL, JSONB with GIN", "PostgreSQL without the GIN index",
                "times PostgreSQL")

    def against(name: str, ours_per_s: float, key: str, shown: Callable[[Run], str]) -> None:
        runs = [peer.get(key), peer.get(key + " bare")]
        times = [f"{ours_per_s / run.per_s:.1f}" for run in runs if run]
        row(name, f"{ours_per_s:,.0f}/s, p99 {ms(own[key]['p99_ms'])} ms", f"{own[key]['cpu_us']:.1f} µs", *(shown(run) if run else "–" for run in runs),
            " / ".join(times) or "–")

    shown = lambda run: f"{run.per_s:,.0f}/s, p99 {ms(run.p99_ms)} ms"  # noqa: E731
    for name, key in [("one client, one after the other", "serial"), ("64 connections, a twin a call", "patch"),
                      ("8 connections, 100 twins a call", "batch 100"), ("8 connections, 1,000 twins a call", "batch 1000")]:
        against(name, own[key]["items_per_s"], key, shown)
    row("64 connections over our own API, each also in the audit",
        f"{own['change']['items_per_s']:,.0f}/s, p99 {ms(own['change']['p99_ms'])} ms", f"{own['change']['cpu_us']:.1f} µs", "–", "–", "–")
    row = table(f"reading, {size}, 4 connections", "Voltwin p50 / p99 ms", "Voltwin/s", "PostgreSQL p50 / p99 ms", "PostgreSQL/s")
    for name, key in [("a twin", "read"), ("two hops from a site: its 20 EVSEs, filtered", "hop"),
                      ("COUNT over all twins by a property, no index", "count")]:
        run, other = own[key], peer.get(key)
        row(name, f"{ms(run['p50_ms'])} / {ms(run['p99_ms'])}", f"{run['items_per_s']:,.0f}",
            f"{ms(other.p50_ms)} / {ms(other.p99_ms)}" if other else "–", f"{other.per_s:,.0f}" if other else "–")
    fill, watch = own["fill"], own["watch"]
    row = table(f"the rest, {size}", "Voltwin", "PostgreSQL")
    row(f"import of {world.twins:,} twins and {fill['links']:,.0f} relationships",
        f"{fill['import_s']:.1f} s ({fill['import_cpu_s']:.1f} s of CPU; {fill['upload_s']:.1f} s to send the file; history "
        f"{fill['settled_s']:.1f} s later)", f"{peer['fill']:.1f} s (COPY, then indexes)" if peer else "–")
    row("memory per twin with its relationship", f"{fill['bytes_per_twin']:,.0f} bytes", "–")
    row("stop / start / start after SIGKILL", f"{own['stop']:.1f} / {own['start']:.1f} / {own['after_kill']:.1f} s", "–")
    row(f"{args.subscribers:,} subscribers of a twin each, {watch['items_per_s']:,.0f} changes/s: from the answer to the "
        "subscriber", f"p50 {ms(watch['after_answer_p50_ms'])} ms, p99 {ms(watch['after_answer_p99_ms'])} ms "
        f"({watch['owed']:,} owed, {watch['missing']:,} missing, {watch['twice']:,} twice, {watch['disordered']:,} out of order)",
        "–")
    row("… from the sending of the change", f"p50 {ms(watch['after_sending_p50_ms'])} ms, p99 "
        f"{ms(watch['after_sending_p99_ms'])} ms; answer p50 {ms(watch['p50_ms'])} ms", "–")
    say(f"\nPostgreSQL {version}." if version else "\nPostgreSQL is not installed: nothing beside Voltwin.")


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--twins", type=int, nargs="+", default=[100_000], help="sizes of the graph, in thousands of twins")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--notified", type=float, default=10_000, help="changes a second that subscribers watch")
    parser.add_argument("--modules", type=Path, help="the node_modules that hold the official parser of DTDL")
    parser.add_argument("--loader", type=Path, help="another binary to bring the load; the server is then one that may be "
                        "older")
    parser.add_argument("--without-peer", action="store_true", help="leave PostgreSQL out")
    args = parser.parse_args()
    version = subprocess.run([checked(args.voltwin), "--version"], capture_output=True, text=True, check=True).stdout
    half, most = fsync(Path(tempfile.gettempdir()))
    say(f"Machine: {machine()}. {version.strip()}. fdatasync of 4 kB: p50 {half:.2f} ms, p99 {most:.2f} ms. "
        f"Load average {os.getloadavg()[0]:.1f} at the start; {args.seconds:.0f} s each.")
    dtdl(args)
    for twins in args.twins:
        world, own, peer, installed = World(twins), {}, {}, None
        if not args.without_peer:
            try:
                installed = postgres(args, world, peer)
            except NotThere as error:
                say(f"PostgreSQL: {error}")
        ours(args, world, own)
        tell(args, world, own, peer, installed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
