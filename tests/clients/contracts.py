"""Plug and charge: contract certificates, what OCSP responders and revocation lists say of them, and certificates made for
vehicles. The stations are PyPI `ocpp`; the certificates, the responder and the list are made by PyPI `cryptography`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from ocpp import v16, v21, v201

from charge_points import SUBPROTOCOLS
from charge_points import station as connected
from harness import Report, Server, api_call, arguments, checked, equal

Story = Callable[["World"], Awaitable[None]]
stories: list[tuple[str, Story]] = []
LIBRARIES: dict[str, Any] = {"2.0.1": v201, "2.1": v21}
CONTRACT = "DEABCC123456789"
NOW = datetime.now(timezone.utc).replace(microsecond=0)
DAY = timedelta(days=1)
TRANSFER = "org.openchargealliance.iso15118pnc"


def story(name: str, *versions: str) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        for version in versions:
            stories.append((f"{name}, OCPP {version}", partial(function, version=version)))
        return function

    return add


class Holder:
    """A certificate with its key."""

    def __init__(self, name: str, issuer: "Holder | None", *, is_ca: bool = False, url: str | None = None,
                 usage: Any = None, life: tuple[timedelta, timedelta] = (-DAY, 30 * DAY)) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.issuer = issuer or self
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        by = issuer.certificate.subject if issuer else subject
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(by).public_key(self.key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(NOW + life[0])
                   .not_valid_after(NOW + life[1])
                   .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True))
        if url:
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def hashes(self, algorithm: str = "SHA256") -> dict[str, str]:
        """What OCPP calls `CertificateHashDataType`, worked out from the certificates themselves."""
        digest = lambda data: hashlib.new(algorithm, data).hexdigest()  # noqa: E731
        key = self.issuer.certificate.public_key()
        bits = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return {"hashAlgorithm": algorithm, "issuerNameHash": digest(self.certificate.issuer.public_bytes()),
                "issuerKeyHash": digest(bits), "serialNumber": f"{self.certificate.serial_number:x}"}


class Responder:
    """An OCSP responder and a place for revocation lists; counts who asks."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[Holder, Any]] = {}
        self.signer: Holder | None = None
        self.asked = 0
        self.last = b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.give(outer.respond(body), "application/ocsp-response")

            def do_GET(self) -> None:  # noqa: N802
                self.give(outer.list(), "application/pkix-crl")

            def give(self, data: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def knows(self, holder: Holder, status: Any = ocsp.OCSPCertStatus.GOOD) -> None:
        self.known[holder.certificate.serial_number] = (holder, status)

    def respond(self, body: bytes) -> bytes:
        self.asked += 1
        request = ocsp.load_der_ocsp_request(body)
        holder, status = self.known.get(request.serial_number, (None, None))
        if holder is None:
            return ocsp.OCSPResponseBuilder.build_unsuccessful(
                ocsp.OCSPResponseStatus.UNAUTHORIZED).public_bytes(serialization.Encoding.DER)
        signer = self.signer or holder.issuer
        revoked = status == ocsp.OCSPCertStatus.REVOKED
        # by the very hashes of the request
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            request.issuer_name_hash, request.issuer_key_hash, request.serial_number, request.hash_algorithm,
            status, NOW - DAY, NOW + DAY, NOW - DAY if revoked else None, None)
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        if signer is not holder.issuer:
            builder = builder.certificates([signer.certificate])
        self.last = builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        return self.last

    def list(self) -> bytes:
        self.asked += 1
        issuer = next(iter(self.known.values()))[0].issuer
        builder = (x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
                   .last_update(NOW - DAY).next_update(NOW + DAY))
        for serial, (_, status) in self.known.items():
            if status == ocsp.OCSPCertStatus.REVOKED:
                revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY).build()
                builder = builder.add_revoked_certificate(revoked)
        return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class World:
    """A server that knows a root of the vehicle side, its responder, and a command that makes contracts."""

    def __init__(self, voltwin: Path) -> None:
        self.responder = Responder()
        self.root = Holder("V2G root", None, is_ca=True)
        self.between = Holder("Operator CA", self.root, is_ca=True)
        self.server = ContractServer(voltwin, self)

    def holder(self, name: str = CONTRACT, **more: Any) -> Holder:
        holder = Holder(name, self.between, url=self.responder.url, **more)
        self.responder.knows(holder)
        return holder

    def chain(self, holder: Holder) -> str:
        return holder.pem + self.between.pem

    def asked_data(self, holder: Holder, algorithm: str = "SHA256", url: str | None = None) -> dict[str, str]:
        return {**holder.hashes(algorithm), "responderURL": url or self.responder.url}

    async def station(self, name: str, version: str) -> Any:
        await api_call(self.server.api().add_station, name)
        return connected(self.server.ocpp, name, version)


class ContractServer(Server):
    def __init__(self, voltwin: Path, world: World) -> None:
        super().__init__(voltwin)
        self.world = world

    def spawn(self, *more: str) -> subprocess.Popen[str]:
        roots, command = self.folder / "v2g.pem", self.folder / "contract.sh"
        roots.write_text(self.world.root.pem + self.world.between.pem)
        command.write_text(f"""#!{sys.executable}
import json, os, sys
asked = json.load(sys.stdin)
if asked["exiRequest"] == "none":
    sys.exit(3)
answer = asked["exiRequest"] + " for " + os.environ["VOLTWIN_STATION"] + " of " + os.environ["VOLTWIN_TENANT"]
print(json.dumps({{"status": "Accepted", "exiResponse": answer, "note": "not ours to pass on"}}))
""")
        command.chmod(0o700)
        host = self.world.responder.url.split("/")[2]
        return super().spawn("--v2g-ca", str(roots), "--contract-command", str(command), "--ocsp-host", host, *more)


@story("the responder's answer is passed on as it is", "2.0.1", "2.1")
async def status(world: World, version: str) -> None:
    lib, holder = LIBRARIES[version], world.holder()
    async with await world.station(f"OCSP-{version}", version) as point:
        await point.boot()
        for algorithm in ("SHA256", "SHA384", "SHA512"):
            data = world.asked_data(holder, algorithm)
            answer = await point.call(lib.call.GetCertificateStatus(ocsp_request_data=data), suppress=False)
            equal(answer.status, "Accepted", algorithm)
            equal(base64.b64decode(answer.ocsp_result), world.responder.last, "the response")
            told = ocsp.load_der_ocsp_response(base64.b64decode(answer.ocsp_result))
            equal(told.certificate_status, ocsp.OCSPCertStatus.GOOD, "its verdict")
        before = world.responder.asked
        await point.call(lib.call.GetCertificateStatus(ocsp_request_data=world.asked_data(holder)), suppress=False)
        equal(world.responder.asked, before, "questions of what is known")
        for url in ("http://127.0.0.1:1/", "http://169.254.169.254/latest", "file:///etc/passwd", "nonsense"):
            data = world.asked_data(holder, url=url)
            answer = await point.call(lib.call.GetCertificateStatus(ocsp_request_data=data), suppress=False)
            equal((answer.status, answer.ocsp_result), ("Failed", None), url)
        stranger = Holder("X", world.between)
        data = world.asked_data(stranger)
        answer = await point.call(lib.call.GetCertificateStatus(ocsp_request_data=data), suppress=False)
        equal(answer.status, "Failed", "a certificate that the responder does not know")


@story("each certificate of a chain by OCSP or by list", "2.1")
async def chain_status(world: World, version: str) -> None:
    lib = LIBRARIES[version]
    good, gone, forged = world.holder(), world.holder(), world.holder()
    world.responder.knows(gone, ocsp.OCSPCertStatus.REVOKED)

    async def ask(*wanted: tuple[Holder, str]) -> list[str]:
        requests = [{"source": source, "urls": ["http://127.0.0.1:1/", world.responder.url],
                     "certificateHashData": holder.hashes()} for holder, source in wanted]
        answer = await point.call(lib.call.GetCertificateChainStatus(certificate_status_requests=requests),
                                  suppress=False)
        for told, (holder, source) in zip(answer.certificate_status, wanted, strict=True):
            equal(told["certificate_hash_data"]["serial_number"], holder.hashes()["serialNumber"], "whose status")
            equal(told["source"], source, "its source")
            assert datetime.fromisoformat(told["next_update"]) > NOW, told
        return [told["status"] for told in answer.certificate_status]

    async with await world.station("CHAIN", version) as point:
        await point.boot()
        equal(await ask((good, "OCSP"), (gone, "OCSP"), (good, "CRL"), (gone, "CRL")),
              ["Good", "Revoked", "Good", "Revoked"], "the chain")
        try:
            world.responder.signer = Holder("Responder", world.between, usage=ExtendedKeyUsageOID.OCSP_SIGNING)
            delegated = world.holder()
            equal(await ask((delegated, "OCSP")), ["Good"], "a responder that the issuer named")
            world.responder.signer = Holder("Responder", world.between)
            equal(await ask((forged, "OCSP")), ["Failed"], "a certificate of the issuer that is no responder's")
        finally:
            world.responder.signer = None
        equal(await ask((Holder("X", Holder("Stranger", None, is_ca=True)), "OCSP")), ["Failed"], "a stranger")


def named(version: str, field: str) -> str:
    """The library names the fields of ISO 15118 in two ways."""
    return f"iso15118_{field}" if version == "2.0.1" else f"iso_15118_{field}"


async def authorize(point: Any, version: str, contract: str, chain: str | None, hashed: Any) -> tuple[str, Any]:
    if version == "1.6":
        data = {"idToken": contract, "certificate": chain, "iso15118CertificateHashData": hashed}
        text = json.dumps({name: value for name, value in data.items() if value is not None})
        answer = await point.call(v16.call.DataTransfer(vendor_id=TRANSFER, message_id="Authorize", data=text),
                                  suppress=False)
        equal(answer.status, "Accepted", "the transfer")
        told = json.loads(answer.data)
        return told["idTokenInfo"]["status"], told.get("certificateStatus")
    token = {"idToken": contract, "type": "eMAID"}
    more = {named(version, "certificate_hash_data"): hashed}
    answer = await point.call(LIBRARIES[version].call.Authorize(id_token=token, certificate=chain, **more),
                              suppress=False)
    return answer.id_token_info["status"], answer.certificate_status


@story("a vehicle charges on its contract, and only on its own", "1.6", "2.0.1", "2.1")
async def contract(world: World, version: str) -> None:
    good, gone = world.holder(), world.holder()
    world.responder.knows(gone, ocsp.OCSPCertStatus.REVOKED)
    old = world.holder(life=(-30 * DAY, -DAY))
    silent = Holder(CONTRACT, world.between, url="http://127.0.0.1:1/")
    stranger = Holder(CONTRACT, Holder("Stranger", None, is_ca=True))
    plain = Holder(CONTRACT, world.between)
    async with await world.station(f"PNC-{version}", version) as point:
        await point.boot()
        ask = partial(authorize, point, version)
        equal(await ask("DE-ABC-C12345678-9", world.chain(good), None), ("Accepted", "Accepted"), "its contract")
        equal(await ask(CONTRACT, plain.pem, None), ("Accepted", "Accepted"), "one whose issuer is known here")
        equal(await ask("DEABCC000000000", world.chain(good), None), ("Invalid", "CertChainError"), "another's")
        equal(await ask(CONTRACT, world.chain(gone), None), ("Invalid", "CertificateRevoked"), "revoked")
        equal(await ask(CONTRACT, world.chain(old), None), ("Expired", "CertificateExpired"), "old")
        equal(await ask(CONTRACT, stranger.pem, None), ("Invalid", "CertChainError"), "a stranger's")
        equal(await ask(CONTRACT, world.chain(silent), None), ("Invalid", "NoCertificateAvailable"), "nobody answers")
        equal(await ask(CONTRACT, "no certificate", None), ("Invalid", "CertChainError"), "none at all")
        equal(await ask(CONTRACT, None, [world.asked_data(good)]), ("Accepted", "Accepted"), "by hashes")
        equal(await ask(CONTRACT, None, [world.asked_data(good), world.asked_data(gone)]),
              ("Invalid", "CertificateRevoked"), "one of the hashes revoked")
        equal(await ask(CONTRACT, None, None), ("Accepted", None), "the token alone")
    notes = await api_call(world.server.api().get, f"/twins/PNC-{version}/notes", topic="contract_certificate")
    equal(len(notes["items"]), 7, "what was refused is noted")


@story("a certificate is made for a vehicle", "1.6", "2.0.1", "2.1")
async def made(world: World, version: str) -> None:
    name = f"MAKE-{version}"

    async def ask(exi: str) -> tuple[str, str]:
        schema = "urn:iso:15118:2:2013:MsgDef"
        if version == "1.6":
            data = json.dumps({"iso15118SchemaVersion": schema, "action": "Install", "exiRequest": exi})
            answer = await point.call(
                v16.call.DataTransfer(vendor_id=TRANSFER, message_id="Get15118EVCertificate", data=data),
                suppress=False)
            told = json.loads(answer.data)
            return told["status"], told["exiResponse"]
        answer = await point.call(
            LIBRARIES[version].call.Get15118EVCertificate(action="Install", exi_request=exi,
                                                          **{named(version, "schema_version"): schema}),
            suppress=False)
        return answer.status, answer.exi_response

    async with await world.station(name, version) as point:
        await point.boot()
        equal(await ask("EXI"), ("Accepted", f"EXI for {name} of demo"), "what the command printed")
        equal(await ask("none"), ("Failed", ""), "a command that fails")


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", default="", help="run the stories whose name contains this")
    args = parser.parse_args()
    report = Report()
    world = World(checked(args.voltwin))
    with world.server as server:
        server.seed("admin")
        server.start()
        for name, function in stories:
            if args.only in name:
                await report.run(name, partial(function, world), server)
    return report.finish()


if __name__ == "__main__":
    assert set(LIBRARIES) < set(SUBPROTOCOLS)
    sys.exit(asyncio.run(main()))
