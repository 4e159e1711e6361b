"""A PostgreSQL server of our own in a temporary folder, with its defaults: synchronous_commit, fsync and full_page_writes
are on. Only memory and the size of the WAL are set to what the machine can bear, as its manual advises."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from harness import die_with_parent

DATABASE = "postgres"


class NotThere(Exception):
    """PostgreSQL is not installed."""


def programs() -> Path:
    """The folder of initdb and postgres: Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise NotThere("no initdb under /usr/lib/postgresql or on the PATH")
    return found[0] if found else Path(on_path).parent


def unprivileged() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NotThere("there is neither a user `postgres` nor `nobody`")


@dataclass
class Run:
    """What pgbench says."""

    per_s: float
    p50_ms: float
    p99_ms: float


class Postgres:
    def __init__(self) -> None:
        self.bin = programs()
        self.user = unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="voltwin-postgres-"))
        if self.user:
            shutil.chown(self.folder, self.user)
        self.process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def command(self, *args: str | Path) -> list[str]:
        return [str(self.bin / str(args[0])), *map(str, args[1:])]

    def run(self, *args: str | Path, stdin: str | None = None, timeout: float = 1_200) -> str:
        done = subprocess.run(self.command(*args), input=stdin, capture_output=True, text=True, timeout=timeout,
                              user=self.user, cwd=self.folder)
        if done.returncode:
            raise AssertionError(f"{' '.join(map(str, args))} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def __enter__(self) -> "Postgres":
        data = self.folder / "data"
        self.run("initdb", "-D", data, "--auth=trust", "--username=bench", "--encoding=UTF8", "--no-locale")
        settings = {"shared_buffers": "2GB", "effective_cache_size": "8GB", "max_wal_size": "8GB", "max_connections": "200",
                    "port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder)}
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(self.command("postgres", "-D", data), stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=log, user=self.user, preexec_fn=die_with_parent)
        deadline = time.monotonic() + 60
        while subprocess.run(self.command("pg_isready", "-h", "127.0.0.1", "-p", str(self.port)),
                             capture_output=True, check=False).returncode:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text(errors="replace")[-2_000:])
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def place(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench"]

    def sql(self, text: str) -> str:
        return self.run("psql", *self.place, "-d", DATABASE, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                        stdin=text)

    def bench(self, script: str, clients: int, seconds: float, **numbers: int) -> Run:
        """A script in closed loop; the times are those of every transaction."""
        file, log = self.folder / "script.sql", self.folder / "times"
        file.write_text(script)
        for old in self.folder.glob("times.*"):
            old.unlink()
        defined = [part for name, value in numbers.items() for part in ("-D", f"{name}={value}")]
        threads = str(min(clients, 2))
        self.run("pgbench", *self.place, "-n", "-M", "prepared", "-c", str(clients), "-j", threads, "-T",
                 str(max(1, round(seconds))), "-f", file, "-l", "--log-prefix", log, *defined, DATABASE)
        times = sorted(int(line.split()[2]) / 1e3 for part in self.folder.glob("times.*")
                       for line in part.read_text().splitlines())
        share = lambda part: times[min(len(times) - 1, int(part * len(times)))]  # noqa: E731
        return Run(len(times) / max(1, round(seconds)), share(0.5), share(0.99))

    def version(self) -> str:
        return self.sql("SHOW server_version").split()[0]


if __name__ == "__main__":
    sys.exit("this is a part of bench_graph.py")
