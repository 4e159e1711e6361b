"""What every script here needs: a real server on a temporary folder, its API, and a count of what passed.

Everything listens on 127.0.0.1 and a free port. The server is ended with the script, also when the script is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

TENANT = "demo"
PASSWORD = "correct-horse-battery"
START_WITHIN_S = 60
STOP_WITHIN_S = 20


class ApiError(Exception):
    """A problem document."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status}: {body[:400]}")
        self.status = status
        self.body = body

    @property
    def problem(self) -> dict[str, Any]:
        return json.loads(self.body)


class Api:
    """`/api/v1` with a key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        text = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        address = f"{self.url}/api/v1{path}" + (f"?{text}" if text else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(address, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                text = response.read().decode()
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.read().decode(errors="replace")) from None
        return json.loads(text) if text else None

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, **query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return self.call("POST", path, {} if body is None else body, **query)

    def pages(self, path: str, **query: Any) -> list[Any]:
        """All items of a list."""
        items: list[Any] = []
        cursor = None
        while True:
            page = self.get(path, limit=500, cursor=cursor, **query)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    def add_station(self, station: str, password: str = PASSWORD) -> None:
        self.post("/stations", {"id": station, "password": password})


class Server:
    """One `voltwin serve` on a folder of its own, or on the data folder that is given."""

    command = "serve"
    listen_option = "--listen"

    def __init__(self, voltwin: Path, data: Path | None = None) -> None:
        self.voltwin = voltwin
        self.folder = Path(tempfile.mkdtemp(prefix="voltwin-clients-"))
        self.data = data or self.folder / "data"
        self.log = self.folder / "server.log"
        self.process: subprocess.Popen[str] | None = None
        self.port = 0
        self.keys: dict[str, str] = {}

    def admin(self, *args: str) -> str:
        """`voltwin admin …` on the data folder."""
        command = [str(self.voltwin), "admin", *args, "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def seed(self, *roles: str, tenant: str = TENANT) -> None:
        """A tenant and a key for each role."""
        self.admin("tenant", "add", tenant)
        for role in roles or ("admin",):
            self.keys[role if tenant == TENANT else f"{tenant}/{role}"] = self.add_key(role, tenant)

    def add_key(self, role: str, tenant: str = TENANT) -> str:
        return self.admin("key", "add", "--tenant", tenant, "--role", role).splitlines()[-1].split()[-1]

    def spawn(self, *more: str) -> subprocess.Popen[str]:
        listen = f"127.0.0.1:{self.port}"
        command = [str(self.voltwin), self.command, "--data", str(self.data), self.listen_option, listen,
                   *more]
        log = self.log.open("a")
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=die_with_parent
        )

    def start(self) -> "Server":
        """Starts it and waits for the line that says where it listens. A later start takes the same port."""
        self.process = self.spawn()
        line = read_line(self.process, START_WITHIN_S)
        found = re.match(r"listening (http://127\.0\.0\.1:(\d+))$", line.strip())
        if not found:
            raise AssertionError(f"instead of `listening …` the server printed {line!r}; log:\n{self.tail()}")
        self.port = int(found.group(2))
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ocpp(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    def api(self, role: str = "admin") -> Api:
        return Api(self.url, self.keys[role])

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        if self.process:
            self.process.kill()
            self.process.wait(timeout=STOP_WITHIN_S)
            self.process = None

    def stop(self) -> None:
        """SIGTERM; SIGKILL when it takes too long."""
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=STOP_WITHIN_S)
        self.process = None

    def rss_bytes(self) -> int:
        assert self.process is not None
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024

    def cpu_s(self) -> float:
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def tail(self, lines: int = 30) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def die_with_parent() -> None:
    """The kernel ends this child when the script ends, however that happens."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def read_line(process: subprocess.Popen[str], within_s: float) -> str:
    """The first line on standard output, or an error that says what happened instead."""
    import select

    assert process.stdout is not None
    pipe, line, deadline = process.stdout.fileno(), b"", time.monotonic() + within_s
    # byte by byte: a buffer would swallow the line after this one, and nothing would seem to come
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            process.kill()
            raise AssertionError(f"no line on standard output within {within_s} s")
        byte = os.read(pipe, 1)
        if not byte:
            break
        line += byte
    return line.decode()


class Report:
    """Counts, and says what failed with the server's last words."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    async def run(self, name: str, test: Callable[[], Awaitable[None]], server: Server | None = None,
                  within_s: float = 90) -> bool:
        started = time.monotonic()
        try:
            await asyncio.wait_for(test(), within_s)
        except Exception as error:
            self.failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}")
            print("".join(traceback.format_tb(error.__traceback__)[-4:]), end="")
            if server:
                print(f"--- the server's last words\n{server.tail()}\n---")
            return False
        self.passed += 1
        print(f"ok {name} ({time.monotonic() - started:.2f} s)")
        return True

    def skip(self, name: str, reason: str) -> None:
        print(f"skipped {name}: {reason}")

    def finish(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--voltwin", type=Path, required=True, help="the binary under test")
    return parser


def checked(binary: Path) -> Path:
    if not binary.is_file():
        sys.exit(f"{binary} is no file: build it with `cargo build -p voltwin`")
    return binary.resolve()


def equal(found: Any, expected: Any, what: str) -> None:
    """An assertion that shows both sides."""
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


async def api_call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """An API call that lets the stations of this process go on."""
    return await asyncio.to_thread(function, *args, **kwargs)


async def until(check: Callable[[], Any], what: str, within_s: float = 10, every_s: float = 0.1) -> Any:
    """Waits until `check` (a blocking call) gives something true."""
    deadline = time.monotonic() + within_s
    while True:
        found = await asyncio.to_thread(check)
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {within_s} s (last: {found!r})")
        await asyncio.sleep(every_s)
