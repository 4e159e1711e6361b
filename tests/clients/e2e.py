"""The control room in a real browser: a server with the demonstration city, a real charging station, Playwright."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from harness import TENANT, Server, arguments, checked, die_with_parent, read_line, until

WEB = Path(__file__).resolve().parents[2] / "web"
STATION = "E2E-METER"
DESK = "E2E-DESK"
ROGUE = "E2E-ROGUE"
PLAYWRIGHT_WITHIN_S = 1_100
PARTNER_WITHIN_S = 30


class DemoServer(Server):
    """`voltwin demo`: it makes its tenant itself. The city lives faster than life, so that no spec waits for a battery."""

    command = "demo"

    def spawn(self, *more: str) -> subprocess.Popen[bytes]:
        return super().spawn("--speed", "4", *more)


def start_station(server: Server, log: Path) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("e2e_station.py")
    command = [sys.executable, str(script), "--url", server.ocpp, "--station", STATION, "--log", str(log)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)


def start_desk(server: Server, station: str, *more: str) -> subprocess.Popen[bytes]:
    """A station that takes every command."""
    script = Path(__file__).with_name("desk_station.py")
    command = [sys.executable, str(script), "--url", server.ocpp, "--station", station, *more]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)


def start_partner() -> tuple[subprocess.Popen[str], str]:
    """A partner by OCPI, and where it is."""
    script = Path(__file__).with_name("e2e_partner.py")
    process = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               preexec_fn=die_with_parent)
    return process, read_line(process, PARTNER_WITHIN_S)


def playwright(server: Server, log: Path, partner: str, specs: list[str]) -> int:
    environment = {
        **os.environ,
        "VOLTWIN_URL": server.url,
        "VOLTWIN_KEY": server.keys["admin"],
        "VOLTWIN_STATION": STATION,
        "VOLTWIN_STATION_LOG": str(log),
        "VOLTWIN_PARTNER": partner,
    }
    command = ["npx", "--no-install", "playwright", "test", *specs]
    return subprocess.run(command, cwd=WEB, env=environment, stdin=subprocess.DEVNULL, check=False,
                          timeout=PLAYWRIGHT_WITHIN_S).returncode


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--no-city", action="store_true", help="an empty tenant instead of the demonstration city")
    parser.add_argument("specs", nargs="*", help="only these specs")
    args = parser.parse_args()
    kind = Server if args.no_city else DemoServer
    with kind(checked(args.voltwin)) as server:
        if args.no_city:
            server.admin("tenant", "add", TENANT)
        server.start()
        server.keys["admin"] = server.add_key("admin", TENANT)
        for name in (STATION, DESK, ROGUE):
            server.api().add_station(name)
        log = server.folder / "station.jsonl"
        log.touch()
        station = start_station(server, log)
        desk = start_desk(server, DESK)
        # A firmware of its own, clean for long enough that the first breach is news.
        rogue = start_desk(server, ROGUE, "--firmware", "2.1.0", "--good-calls", "25")
        partner, where = start_partner()
        try:
            await until(lambda: '"meter"' in log.read_text(), "the station charging", within_s=30)
            # Playwright prints its own counts.
            return await asyncio.to_thread(playwright, server, log, where, args.specs)
        finally:
            for process in (station, desk, rogue, partner):
                process.kill()
                process.wait()
            if os.environ.get("VOLTWIN_SHOW_LOG"):
                print(server.tail(60))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
