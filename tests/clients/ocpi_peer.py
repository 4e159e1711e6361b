"""A provider of drivers on the PyPI package `extrawest-ocpi`, which this project did not write: its own server, its own
models. Every object that reaches it, pushed or read, is judged by its pydantic models with unknown fields forbidden, and
again by the readers of the PyPI package `ocpi-types`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import threading
import time
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from typing import Any

def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PORT = free_port()
# read by the package when it is imported
os.environ.update(
    OCPI_HOST=f"127.0.0.1:{PORT}", OCPI_PREFIX="ocpi", PROTOCOL="http", COUNTRY_CODE="NL", PARTY_ID="TNM",
    CI_STRING_LOWERCASE_PREFERENCE="false",
)

import httpx  # noqa: E402
import ocpi_types.v2_2_1 as second  # noqa: E402
import uvicorn  # noqa: E402
from py_ocpi import get_application  # noqa: E402
from py_ocpi.core.authentication.authenticator import Authenticator  # noqa: E402
from py_ocpi.core.config import logger  # noqa: E402
from py_ocpi.core.crud import Crud  # noqa: E402
from py_ocpi.core.enums import Action, ModuleID, RoleEnum  # noqa: E402
from py_ocpi.modules.cdrs.v_2_2_1.schemas import Cdr  # noqa: E402
from py_ocpi.modules.commands.v_2_2_1.schemas import CommandResponse, CommandResult  # noqa: E402
from py_ocpi.modules.credentials.v_2_2_1.schemas import Credentials  # noqa: E402
from py_ocpi.modules.locations.v_2_2_1.schemas import EVSE, Connector, Location  # noqa: E402
from py_ocpi.modules.sessions.v_2_2_1.schemas import Session  # noqa: E402
from py_ocpi.modules.tariffs.v_2_2_1.schemas import Tariff  # noqa: E402
from py_ocpi.modules.tokens.v_2_2_1.schemas import Token  # noqa: E402
from py_ocpi.modules.versions.enums import VersionNumber  # noqa: E402
from py_ocpi.modules.versions.v_2_2_1.schemas import VersionDetail  # noqa: E402

logger.setLevel("CRITICAL")

TOKEN_A = "a-token-that-was-handed-over"
FIRST = {"locations": Location, "sessions": Session, "cdrs": Cdr, "tariffs": Tariff}
SECOND = {"locations": second.Location, "sessions": second.Session, "cdrs": second.Cdr, "tariffs": second.Tariff}


def judge(module: str, body: dict[str, Any]) -> None:
    """Both packages must take the object. The first has no `evse_uid` in a CDR's location, which OCPI 2.2.1 has."""
    fields = set(FIRST[module].__fields__)
    unknown = set(body) - fields
    assert not unknown, f"{module}: fields that OCPI does not have: {unknown}"
    FIRST[module](**body)
    SECOND[module].from_dict(body)


class Book:
    """What the provider knows."""

    tokens_c: list[str] = []
    tokens_a: list[str] = [TOKEN_A]
    cpo: dict[str, Any] = {}
    objects: dict[tuple[str, str], dict[str, Any]] = {}
    history: list[tuple[str, str, str]] = []
    results: dict[str, dict[str, Any]] = {}
    asked: list[str] = []
    allowed = "ALLOWED"
    token_to_give = "c" * 40

    @classmethod
    def reset(cls) -> None:
        cls.tokens_c, cls.tokens_a, cls.cpo = [], [TOKEN_A], {}
        cls.objects, cls.history, cls.results, cls.asked = {}, [], {}, []
        cls.allowed = "ALLOWED"


class Ids(Authenticator):
    @classmethod
    async def get_valid_token_c(cls) -> list[str]:
        return Book.tokens_c

    @classmethod
    async def get_valid_token_a(cls) -> list[str]:
        return Book.tokens_a


def credentials(token: str) -> dict[str, Any]:
    role = {"role": "EMSP", "party_id": "TNM", "country_code": "NL", "business_details": {"name": "Provider"}}
    return {"token": token, "url": f"http://127.0.0.1:{PORT}/ocpi/versions", "roles": [role]}


class Store(Crud):
    @classmethod
    async def get(cls, module: ModuleID, role: RoleEnum, id: Any, *_: Any, **__: Any) -> Any:
        if module == ModuleID.tokens:
            return {"uid": id}
        if module == ModuleID.credentials_and_registration:
            return credentials(str(id)) if Book.cpo else None
        return Book.objects.get((module.value, str(id)))

    @classmethod
    async def list(cls, *_: Any, **__: Any) -> Any:
        return [], 0, True

    @classmethod
    async def create(cls, module: ModuleID, role: RoleEnum, data: Any, *_: Any, **more: Any) -> Any:
        if module == ModuleID.credentials_and_registration:
            Book.cpo = data
            Book.tokens_a = []
            Book.tokens_c = [Book.token_to_give]
            return credentials(Book.token_to_give)
        if module == ModuleID.charging_profile:
            Book.results[more["query_params"]["id"]] = data
            return data
        return cls.keep(module, data, "create")

    @classmethod
    async def update(cls, module: ModuleID, role: RoleEnum, data: Any, id: Any, *_: Any, **__: Any) -> Any:
        if module == ModuleID.commands:
            CommandResult(**data)
            Book.results[str(id)] = data
            return data
        return cls.keep(module, data, "update")

    @classmethod
    async def delete(cls, module: ModuleID, role: RoleEnum, id: Any, *_: Any, **__: Any) -> Any:
        if module == ModuleID.credentials_and_registration:
            Book.cpo = {}
            Book.tokens_c = []

    @classmethod
    async def do(cls, module: ModuleID, role: Any, action: Action, *_: Any, data: Any = None, **__: Any) -> Any:
        assert action == Action.authorize_token, action
        Book.asked.append(data["token_uid"])
        return {"allowed": Book.allowed, "token": token(data["token_uid"], "NEVER"),
                "authorization_reference": "REF-ASKED", "location": data["location_reference"]}

    @classmethod
    def keep(cls, module: ModuleID, data: dict[str, Any], how: str) -> Any:
        id = str(data["id"])
        Book.objects[module.value, id] = data
        Book.history.append((module.value, id, how))
        return data


class Shapes:
    """The adapter of the package: data to models."""

    credentials_adapter = staticmethod(lambda data, *_: Credentials(**data))
    location_adapter = staticmethod(lambda data, *_: Location(**data))
    evse_adapter = staticmethod(lambda data, *_: EVSE(**data))
    connector_adapter = staticmethod(lambda data, *_: Connector(**data))
    session_adapter = staticmethod(lambda data, *_: Session(**data))
    cdr_adapter = staticmethod(lambda data, *_: Cdr(**data))
    tariff_adapter = staticmethod(lambda data, *_: Tariff(**data))
    token_adapter = staticmethod(lambda data, *_: Token(**data))

    @staticmethod
    def authorization_adapter(data: dict[str, Any], *_: Any) -> Any:
        from py_ocpi.modules.tokens.v_2_2_1.schemas import AuthorizationInfo

        return AuthorizationInfo(**data)


def token(uid: str, whitelist: str, valid: bool = True, kind: str = "RFID") -> dict[str, Any]:
    made = {"country_code": "NL", "party_id": "TNM", "uid": uid, "type": kind, "contract_id": f"NL-TNM-{uid}",
            "issuer": "Provider", "valid": valid, "whitelist": whitelist, "last_updated": now()}
    Token(**made)
    return made


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Bodies:
    """Judges what is pushed before the package's own routes see it."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.wrong: list[str] = []
        self.headers: list[dict[str, str]] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] not in ("PUT", "POST"):
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        parts = scope["path"].split("/")
        module = next((part for part in parts if part in FIRST), None)
        if module and "emsp" in parts:
            import json

            try:
                judge(module, json.loads(body))
            except Exception as error:
                self.wrong.append(f"{scope['path']}: {type(error).__name__}: {error}: {body[:600]!r}")
        sent = False

        async def again() -> dict[str, Any]:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)


@contextlib.asynccontextmanager
async def provider() -> AsyncIterator[Bodies]:
    """The provider's server, in a thread of its own, so that blocking calls of a test cannot stop it."""
    Book.reset()
    modules = [ModuleID.credentials_and_registration, ModuleID.locations, ModuleID.sessions, ModuleID.cdrs,
               ModuleID.tariffs, ModuleID.tokens, ModuleID.commands, ModuleID.charging_profile]
    app = get_application(version_numbers=[VersionNumber.v_2_2_1], roles=[RoleEnum.emsp], crud=Store,
                          modules=modules, authenticator=Ids, adapter=Shapes)
    bodies = Bodies(app)
    server = uvicorn.Server(uvicorn.Config(bodies, host="127.0.0.1", port=PORT, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield bodies
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join, 10)


class Elsewhere:
    """The same application under another address: what it says of itself names that one."""

    def __init__(self, app: Any, url: str) -> None:
        self.app, self.url = app, url.encode()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: dict[str, Any] = {}
        body = b""

        async def keep(message: dict[str, Any]) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = body.replace(f"http://127.0.0.1:{PORT}".encode(), self.url)
            headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, keep)


@contextlib.contextmanager
def over_tls(app: Any, certificate: str, key: str, port: int = 0) -> Iterator[str]:
    """The provider by https as well, with this certificate; gives its address."""
    port = port or free_port()
    url = f"https://127.0.0.1:{port}"
    config = uvicorn.Config(Elsewhere(app, url), host="127.0.0.1", port=port, log_level="critical",
                            ssl_certfile=certificate, ssl_keyfile=key, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(10)


class Cpo:
    """The provider's view of the operator under test."""

    def __init__(self, versions_url: str, token: str) -> None:
        self.versions_url, self.token = versions_url, token
        self.urls: dict[str, str] = {}

    def request(self, method: str, url: str, body: Any = None, token: str | None = None,
                **headers: str) -> httpx.Response:
        secret = base64.b64encode((token or self.token).encode()).decode()
        given = {"authorization": f"Token {secret}", "x-request-id": "req-1", "x-correlation-id": "cor-1",
                 "ocpi-from-country-code": "NL", "ocpi-from-party-id": "TNM"} | headers
        with httpx.Client(timeout=30, trust_env=False) as client:
            return client.request(method, url, json=body, headers=given)

    def data(self, method: str, url: str, body: Any = None, **headers: str) -> Any:
        answer = self.request(method, url, body, **headers)
        assert answer.status_code == 200 and answer.json()["status_code"] == 1000, answer.text
        assert answer.headers["x-request-id"] == "req-1" and answer.headers["x-correlation-id"] == "cor-1"
        return answer.json().get("data")

    def discover(self) -> None:
        versions = self.data("GET", self.versions_url)
        url = next(v["url"] for v in versions if v["version"] == "2.2.1")
        details = VersionDetail(**self.data("GET", url))
        self.urls = {endpoint.identifier.value: str(endpoint.url) for endpoint in details.endpoints}

    def register(self, token_b: str) -> None:
        Book.tokens_c = [token_b]
        answer = Credentials(**self.data("POST", self.urls["credentials"], credentials(token_b)))
        assert answer.roles[0].role == RoleEnum.cpo, answer
        self.token = str(answer.token)

    def put_token(self, token: dict[str, Any]) -> None:
        url = f"{self.urls['tokens']}/NL/TNM/{urllib.parse.quote(token['uid'])}?type={token['type']}"
        self.data("PUT", url, token)

    def command(self, name: str, uid: str, **body: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{PORT}/ocpi/emsp/2.2.1/commands/{uid}"
        data = self.data("POST", f"{self.urls['commands']}/{name}", {"response_url": url, **body})
        CommandResponse(**data)
        return data

    def profile(self, method: str, session: str, uid: str, body: Any = None, **query: Any) -> str:
        """Sets, asks for or clears the charging profile of a session; the result comes under `uid`."""
        back = f"http://127.0.0.1:{PORT}/ocpi/emsp/2.2.1/chargingprofiles/?id={uid}"
        url = f"{self.urls['chargingprofiles']}/{session}"
        if body is None:
            data = self.data(method, f"{url}?{urllib.parse.urlencode({'response_url': back, **query})}")
        else:
            data = self.data(method, url, {"charging_profile": body, "response_url": back})
        second.ChargingProfileResponse.from_dict(data)
        return data["result"]

    def pages(self, module: str, limit: int, **query: str) -> list[dict[str, Any]]:
        """All objects of a module, page by page, each judged."""
        url: str | None = f"{self.urls[module]}?{urllib.parse.urlencode({'limit': limit, **query})}"
        items: list[dict[str, Any]] = []
        while url:
            answer = self.request("GET", url)
            assert answer.status_code == 200, answer.text
            found = answer.json()["data"]
            assert len(found) <= limit
            items += found
            total = int(answer.headers["x-total-count"])
            link = answer.links.get("next", {}).get("url")
            assert (link is None) == (len(items) == total), (link, len(items), total)
            url = link
        for item in items:
            judge(module, item)
        return items
