"""An Azure Resource Manager on this machine: resource groups, what-if, deployments with their operations, and tokens.

It holds to the REST description of Microsoft.Resources 2021-04-01, and can be told to throttle, to fail and to hang up.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
DIRECTORY = "99999999-8888-7777-6666-555555555555"
SECRET = "app-secret-that-nobody-prints"
VERSION = "2021-04-01"

# What a rule does with a request: answers (True), or leaves it to the others.
Rule = Callable[["Request"], bool]


class Request:
    """One request and the means to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.handler = handler
        self.method = handler.command
        address = urllib.parse.urlsplit(handler.path)
        self.path, self.query = address.path, urllib.parse.parse_qs(address.query)
        self.headers = handler.headers
        self.raw = body

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    def answer(self, status: int, body: Any = None, **headers: str) -> bool:
        text = b"" if body is None else json.dumps(body).encode()
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.send_header("Content-Type", "application/json")
        self.handler.send_header("Content-Length", str(len(text)))
        self.handler.end_headers()
        self.handler.wfile.write(text)
        return True

    def error(self, status: int, code: str, message: str, **more: Any) -> bool:
        return self.answer(status, {"error": {"code": code, "message": message, **more}})

    def hang_up(self) -> bool:
        self.handler.close_connection = True
        self.handler.connection.shutdown(socket.SHUT_RDWR)
        return True


class Manager:
    """The fake, with what it saw."""

    def __init__(self) -> None:
        self.groups: dict[str, Any] = {}
        self.deployments: dict[str, Any] = {}
        self.looks: dict[str, int] = {}
        self.tokens: set[str] = set()
        self.given = 0
        self.seen: list[str] = []
        # rules that come before everything else; each is asked until it says that it is done for good
        self.rules: list[Rule] = []
        self.changes: list[Any] = []
        self.what_if_looks = 0
        self.fails: dict[str, Any] | None = None
        self.lock = threading.Lock()
        manager = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with manager.lock:
                    manager.serve(Request(self, body))

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def new_token(self) -> str:
        self.given += 1
        token = f"token-{self.given}-that-nobody-prints"
        self.tokens.add(token)
        return token

    def serve(self, request: Request) -> None:
        self.seen.append(f"{request.method} {request.path}")
        if any(rule(request) for rule in self.rules):
            return
        if request.path == f"/{DIRECTORY}/oauth2/v2.0/token":
            form = urllib.parse.parse_qs(request.raw.decode())
            wanted = {"grant_type": ["client_credentials"], "client_id": ["app"], "client_secret": [SECRET],
                      "scope": ["https://management.azure.com/.default"]}
            if form != wanted:
                request.answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret.\r\nx"})
                return
            request.answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": self.new_token()})
            return
        if request.path == "/msi":
            fits = request.headers.get("X-IDENTITY-HEADER") == "identity-header"
            fits &= request.query.get("resource") == ["https://management.azure.com/"]
            request.answer(200 if fits else 400, {"access_token": self.new_token()} if fits else {"error": "bad"})
            return
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            request.error(401, "ExpiredAuthenticationToken", "The access token expiry is in the past.")
            return
        if request.query.get("api-version") != [VERSION]:
            request.error(400, "InvalidApiVersionParameter", "The api-version is invalid.")
            return
        self.manage(request)

    def manage(self, request: Request) -> bool:
        group = re.match(rf"/subscriptions/{SUBSCRIPTION}/resourcegroups/([^/]+)(.*)$", request.path)
        if not group:
            return request.error(404, "SubscriptionNotFound", "The subscription could not be found.")
        name, rest = group.groups()
        if not rest:
            if request.method == "PUT":
                new = name not in self.groups
                self.groups[name] = request.body
                return request.answer(201 if new else 200, {"name": name, **request.body})
            if name in self.groups:
                return request.answer(200, {"name": name, **self.groups[name]})
            return request.error(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        if name not in self.groups:
            return request.error(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        deployment = re.match(r"/providers/Microsoft\.Resources/deployments/([^/]+)(.*)$", rest)
        if not deployment:
            return request.error(404, "NotFound", "nothing here")
        return self.deployment(request, *deployment.groups())

    def deployment(self, request: Request, name: str, rest: str) -> bool:
        match request.method, rest:
            case "POST", "/whatIf":
                self.check(request.body)
                if self.what_if_looks:
                    place = f"{self.url}{request.path}Results?api-version={VERSION}"
                    return request.answer(202, None, Location=place, Retry_After="0")
                return request.answer(200, self.foretold())
            case "GET", "/whatIfResults":
                self.what_if_looks -= 1
                if self.what_if_looks:
                    # only the first answer says where to ask, as in Azure
                    return request.answer(202, None, Retry_After="0")
                return request.answer(200, self.foretold())
            case "PUT", "":
                self.check(request.body)
                if self.deployments.get(name, {}).get("active"):
                    return request.error(409, "DeploymentActive", "The deployment is still active.")
                self.deployments[name] = {"active": True, "body": request.body}
                self.looks[name] = 0
                return request.answer(201, {"name": name, "properties": {"provisioningState": "Accepted"}})
            case "GET", "" if name in self.deployments:
                self.looks[name] += 1
                return request.answer(200, {"name": name, "properties": self.state(name)}, Retry_After="0")
            case "GET", "/operations" if name in self.deployments:
                return self.operations(request, name)
        return request.error(404, "DeploymentNotFound", f"Deployment '{name}' could not be found.")

    @staticmethod
    def check(body: Any) -> None:
        properties = body["properties"]
        assert properties["mode"] == "Incremental", properties["mode"]
        assert properties["template"]["resources"] and "location" in properties["parameters"], list(properties)

    def foretold(self) -> Any:
        return {"status": "Succeeded", "properties": {"correlationId": "c", "changes": self.changes}}

    def state(self, name: str) -> Any:
        if self.looks[name] < 3:
            return {"provisioningState": "Running"}
        self.deployments[name]["active"] = False
        if self.fails:
            return {"provisioningState": "Failed", "error": {
                "code": "DeploymentFailed", "target": f"/subscriptions/{SUBSCRIPTION}/deployments/{name}",
                "message": "At least one resource deployment operation failed.", "details": [self.fails]}}
        outputs = {"digitalTwinsUrl": {"type": "String", "value": "https://voltwin-dt.api.weu.digitaltwins.azure.net"}}
        return {"provisioningState": "Succeeded", "outputs": outputs}

    def operations(self, request: Request, name: str) -> bool:
        look, base = self.looks[name], f"/subscriptions/{SUBSCRIPTION}/resourceGroups/voltwin/providers"

        def operation(id: str, state: str, **more: Any) -> Any:
            return {"operationId": id, "properties": {"provisioningOperation": "Create", "provisioningState": state,
                                                      "targetResource": {"id": f"{base}/{id}"}, **more}}

        first = "Succeeded" if look > 1 else "Running"
        second = "Running" if look < 3 else "Failed" if self.fails else "Succeeded"
        failed = {"statusMessage": {"error": self.fails}} if second == "Failed" else {}
        if "$skiptoken" in request.query:
            page = [operation("Microsoft.Kusto/clusters/voltwinadx", second, **failed),
                    {"operationId": "e", "properties": {"provisioningOperation": "EvaluateDeploymentOutput",
                                                        "provisioningState": "Succeeded"}}]
            return request.answer(200, {"value": page})
        link = f"{self.url}{request.path}?api-version={VERSION}&$skiptoken=2"
        page = [operation("Microsoft.DigitalTwins/digitalTwinsInstances/voltwin-dt", first)]
        return request.answer(200, {"value": page, "nextLink": link})


def times(count: int, matches: str, act: Callable[[Request], bool]) -> Rule:
    """A rule that acts on the first `count` requests whose method and path match."""
    left = count

    def rule(request: Request) -> bool:
        nonlocal left
        if left > 0 and re.search(matches, f"{request.method} {request.path}"):
            left -= 1
            return act(request)
        return False

    return rule
