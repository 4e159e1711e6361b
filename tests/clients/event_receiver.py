"""A webhook that keeps what it takes, and answers as badly as it is told to."""

from __future__ import annotations

import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Listens on a free port of 127.0.0.1 until it is closed."""

    def __init__(self, seed: int = 1) -> None:
        self.taken: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.failing = 0.0
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_OPTIONS(self) -> None:  # noqa: N802
                receiver.asked.append(self.headers.get("WebHook-Request-Origin", ""))
                self.answer(200, {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "*"})

            def do_POST(self) -> None:  # noqa: N802
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with receiver.lock:
                    chance = receiver.random.random()
                if chance < receiver.failing / 3:
                    self.answer(503, {"Retry-After": "0"})
                elif chance < receiver.failing * 2 / 3:
                    # the connection breaks before anybody has read anything
                    self.close_connection = True
                elif chance < receiver.failing:
                    # it is taken, and the answer is lost
                    receiver.take(self.headers, body)
                    self.close_connection = True
                else:
                    receiver.take(self.headers, body)
                    self.answer(204, {})

            def answer(self, status: int, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, headers: Any, body: bytes) -> None:
        event = json.loads(body)
        assert headers["Content-Type"].startswith("application/cloudevents+json"), headers["Content-Type"]
        with self.lock:
            self.taken.append(event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/events"

    def numbers(self) -> set[int]:
        with self.lock:
            return {int(event["sequence"]) for event in self.taken}

    def wait_for(self, count: int, within_s: float = 120) -> None:
        """Until all numbers from 1 to `count` were taken."""
        deadline = time.monotonic() + within_s
        while not self.numbers() >= set(range(1, count + 1)):
            if time.monotonic() > deadline:
                missing = sorted(set(range(1, count + 1)) - self.numbers())
                raise AssertionError(f"{len(missing)} of {count} events are missing, first {missing[:5]}")
            time.sleep(0.1)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
