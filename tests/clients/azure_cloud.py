"""What stands around an instance of Azure Digital Twins, on this machine: an issuer of tokens with its keys, the identity
endpoint of a managed identity, and a host of blobs. And a server that believes the issuer, over TLS.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from harness import TENANT
from secure import SecureServer

AUDIENCE = "https://digitaltwins.azure.net"
OWNER = "Azure Digital Twins Data Owner"
READER = "Azure Digital Twins Data Reader"
DIRECTORY = "11111111-2222-3333-4444-555555555555"
VERSION = "2023-10-31"


class Cloud:
    """An issuer, an identity endpoint and a host of blobs at one address."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.blobs: dict[str, bytes] = {}
        self.hold = threading.Event()
        self.role = OWNER
        self.tokens = 0
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                cloud.get(self)

            def do_PUT(self) -> None:
                cloud.put(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.http.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def issuer(self) -> str:
        return f"{self.url}/{DIRECTORY}/v2.0"

    def token(self, *, key: Any = None, algorithm: str = "RS256", kid: str = "k1", **claims: Any) -> str:
        now = int(time.time())
        said = {"iss": self.issuer, "aud": AUDIENCE, "sub": "subject", "oid": "principal", "tid": DIRECTORY,
                "appid": "application", "iat": now, "nbf": now - 5, "exp": now + 3600, "roles": [self.role], **claims}
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, self.key if key is None else key, algorithm=algorithm, headers={"kid": kid})

    def environment(self, server: "AzureServer") -> dict[str, str]:
        """What unmodified programs need to find all of this."""
        authority = str(server.data / "ca" / "ca.pem")
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi/token", "IDENTITY_HEADER": "header", "AZURE_URL": server.secure,
                "REQUESTS_CA_BUNDLE": authority, "SSL_CERT_FILE": authority, "NODE_EXTRA_CA_CERTS": authority,
                "AZURE_EVENT_HUB_ENDPOINT_NAME": "endpoint"}

    def get(self, request: BaseHTTPRequestHandler) -> None:
        path = urllib.parse.urlsplit(request.path)
        if path.path == f"/{DIRECTORY}/v2.0/.well-known/openid-configuration":
            answer(request, 200, {"issuer": self.issuer, "jwks_uri": f"{self.url}/keys"})
        elif path.path == "/keys":
            public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
            answer(request, 200, {"keys": [{**public, "kid": "k1", "use": "sig"}]})
        elif path.path == "/msi/token":
            asked = urllib.parse.parse_qs(path.query)
            if request.headers.get("X-IDENTITY-HEADER") != "header":
                answer(request, 401, {"error": "no header"})
                return
            self.tokens += 1
            resource = asked["resource"][0]
            answer(request, 200, {"access_token": self.token(aud=resource), "expires_on": str(int(time.time()) + 3600),
                                  "resource": resource, "token_type": "Bearer"})
        elif path.path == "/blobs/never":
            # a blob that never ends, until somebody lets it
            request.send_response(200)
            request.send_header("Content-Length", "1000000")
            request.end_headers()
            request.close_connection = True
            with contextlib.suppress(OSError):
                request.wfile.write(b"{")
                request.wfile.flush()
                self.hold.wait(60)
        elif path.path.startswith("/blobs/") and "sig=good" in path.query and path.path in self.blobs:
            body = self.blobs[path.path]
            request.send_response(200)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        else:
            answer(request, 404, {"error": "nothing here"})

    def put(self, request: BaseHTTPRequestHandler) -> None:
        path = urllib.parse.urlsplit(request.path)
        body = request.rfile.read(int(request.headers["Content-Length"]))
        good = "sig=good" in path.query and request.headers.get("x-ms-blob-type") == "BlockBlob"
        if good:
            self.blobs[path.path] = body
        answer(request, 201 if good else 403, {})

    def blob(self, name: str, text: str | None = None) -> str:
        if text is not None:
            self.blobs[f"/blobs/{name}"] = text.encode()
        return f"{self.url}/blobs/{name}?sv=2021&sig=good"

    def close(self) -> None:
        self.hold.set()
        self.http.shutdown()


def answer(request: BaseHTTPRequestHandler, status: int, body: Any) -> None:
    text = json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(text)))
    request.end_headers()
    request.wfile.write(text)


class AzureServer(SecureServer):
    """A server over TLS that believes the issuer of a cloud and may reach its blobs."""

    def __init__(self, voltwin: Any, cloud: Cloud) -> None:
        super().__init__(voltwin)
        self.cloud = cloud

    def prepare(self) -> None:
        super().prepare()
        self.admin("instance", "directory", "add", DIRECTORY, "--tenant", TENANT)

    def spawn(self, *more: str) -> Any:
        return super().spawn("--oidc-issuer", self.cloud.issuer, "--blob-host", self.cloud.host,
                             "--tenant-domain", "twins.example", *more)

    @property
    def secure(self) -> str:
        return f"https://127.0.0.1:{self.tls_port}"


def export(environment: dict[str, str]) -> None:
    """Takes over an environment, and leaves out what of this machine would come before it."""
    for name in list(os.environ):
        if name.startswith("AZURE_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            del os.environ[name]
    os.environ.update(environment)


def lines(*entries: Any) -> str:
    """A file of imports."""
    return "".join(json.dumps(entry) + "\n" for entry in entries)
