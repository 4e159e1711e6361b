"""A partner by OCPI for the control room's tests: it can be registered with, and comes to us when it is told to.

Prints one line of JSON: `versions` and `token` to register with it, `control` to order it about. `POST control/come`
`{versions_url, token}` makes it register with us; `GET control/state` tells who we are to it.
"""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import ocpi_peer
from harness import die_with_parent
from ocpi_peer import PORT, TOKEN_A, Book, Cpo


def state() -> dict[str, Any]:
    roles = Book.cpo.get("credentials", Book.cpo).get("roles", [])
    return {"registered": bool(Book.cpo), "roles": [f"{role['country_code']}*{role['party_id']}" for role in roles],
            "objects": len(Book.objects)}


class Control(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(200, state())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        try:
            if self.path == "/come":
                cpo = Cpo(body["versions_url"], body["token"])
                cpo.discover()
                cpo.register("b" * 40)
            else:
                Book.reset()
            self.answer(200, state())
        except Exception as error:  # the spec shows what went wrong
            self.answer(500, {"detail": f"{type(error).__name__}: {error}"})

    def answer(self, status: int, body: Any) -> None:
        text = json.dumps(body, default=str).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        pass


async def main() -> None:
    die_with_parent()
    async with ocpi_peer.provider():
        control = ThreadingHTTPServer(("127.0.0.1", 0), Control)
        threading.Thread(target=control.serve_forever, daemon=True).start()
        print(json.dumps({"versions": f"http://127.0.0.1:{PORT}/ocpi/versions", "token": TOKEN_A,
                          "control": f"http://127.0.0.1:{control.server_port}"}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
