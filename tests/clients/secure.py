"""Stations over TLS, with and without a certificate of their own, and how they get a new one: PyPI `ocpp`, Python's own
TLS and PyPI `cryptography` against the certificates of `voltwin admin ca`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import websockets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from ocpp import v16, v21, v201
from ocpp.routing import on

from charge_points import CLASSES, SUBPROTOCOLS, credentials, station
from harness import PASSWORD, TENANT, ApiError, Report, Server, api_call, arguments, checked, equal, read_line, until

Story = Callable[["SecureServer"], Awaitable[None]]
stories: list[tuple[str, Story]] = []
LIBRARIES: dict[str, Any] = {"1.6": v16, "2.0.1": v201, "2.1": v21}


def each_version(name: str) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        for version in SUBPROTOCOLS:
            stories.append((f"{name}, OCPP {version}", partial(function, version=version)))
        return function

    return add


class SecureServer(Server):
    """`voltwin serve` with both doors open, and an authority of its own."""

    listen_option = "--listen-plain"
    tls_port = 0

    def prepare(self) -> None:
        self.seed("admin")
        self.admin("ca", "init")
        self.admin("ca", "server", "127.0.0.1", "--out", str(self.folder))

    def spawn(self, *more: str) -> subprocess.Popen[str]:
        certificate, key = self.folder / "127.0.0.1.pem", self.folder / "127.0.0.1.key"
        return super().spawn("--tls-cert", str(certificate), "--tls-key", str(key), "--listen",
                             f"127.0.0.1:{self.tls_port}", *more)

    def start(self) -> "SecureServer":
        super().start()
        assert self.process is not None
        line = read_line(self.process, 10)
        found = re.match(r"listening https://127\.0\.0\.1:(\d+)$", line.strip())
        assert found, f"instead of `listening https://…` the server printed {line!r}"
        self.tls_port = int(found.group(1))
        return self

    def context(self, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.data / "ca" / "ca.pem"))
        if certificate and key:
            context.load_cert_chain(certificate, key)
        return context

    async def station(self, name: str, profile: int) -> None:
        await api_call(self.api().add_station, name)
        await api_call(self.admin, "station", "profile", name, str(profile), "--tenant", TENANT)

    async def certificate(self, name: str) -> tuple[Path, Path]:
        await api_call(self.admin, "ca", "issue", name, "--tenant", TENANT, "--out", str(self.folder))
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    @contextlib.asynccontextmanager
    async def connected(self, name: str, version: str, context: ssl.SSLContext, password: str | None,
                        kind: type | None = None) -> AsyncIterator[Any]:
        headers = {} if password is None else credentials(name, password)
        socket = await websockets.connect(
            f"wss://127.0.0.1:{self.tls_port}/ocpp/{name}", subprotocols=[SUBPROTOCOLS[version]], ssl=context,
            additional_headers=headers, open_timeout=20, close_timeout=2, compression=None, proxy=None)
        point = (kind or CLASSES[version])(name, socket, response_timeout=20)
        point.remember()
        listening = asyncio.create_task(point.start())
        try:
            yield point
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, websockets.ConnectionClosed):
                await listening
            await socket.close()

    async def refused(self, name: str, context: ssl.SSLContext, password: str | None) -> int | str:
        """The status of the refusal, or `tls` where the handshake already fails."""
        try:
            async with self.connected(name, "1.6", context, password):
                return "in"
        except websockets.InvalidStatus as error:
            return error.response.status_code
        except (ssl.SSLError, websockets.InvalidHandshake, EOFError, OSError):
            return "tls"


@each_version("a station over TLS with its password")
async def tls_station(server: SecureServer, version: str) -> None:
    name = f"TLS-{version}"
    await server.station(name, 2)
    async with server.connected(name, version, server.context(), PASSWORD) as point:
        equal(await point.boot(), "Accepted", "boot")
        await point.status(1, "Available")
    equal(await server.refused(name, server.context(), "wrong-horse-battery"), 401, "a wrong password")


@each_version("a station with a certificate of its own")
async def mutual_tls_station(server: SecureServer, version: str) -> None:
    name, other = f"MTLS-{version}", f"OTHER-{version}"
    await server.station(name, 3)
    files = await server.certificate(name)
    async with server.connected(name, version, server.context(*files), None) as point:
        equal(await point.boot(), "Accepted", "boot")
        await point.status(1, "Available")
    equal(await server.refused(name, server.context(), PASSWORD), 403, "no certificate")
    equal(await server.refused(name, server.context(), None), 401, "nothing at all")
    foreign = await server.certificate(other)
    equal(await server.refused(name, server.context(*foreign), None), 401, "another station's certificate")
    listed = await api_call(server.admin, "ca", "list", "--tenant", TENANT)
    serial = next(line.split()[1] for line in listed.splitlines() if line.startswith(name))
    await api_call(server.admin, "ca", "revoke", serial, "--tenant", TENANT)
    equal(await server.refused(name, server.context(*files), None), 401, "a revoked certificate")


def signing(version: str) -> type:
    """A station that takes a signed certificate."""
    base, lib = CLASSES[version], LIBRARIES[version]

    class Signing(base):  # type: ignore[misc,valid-type]
        chain: asyncio.Future[str]

        def remember(self) -> None:
            super().remember()
            self.chain = asyncio.get_running_loop().create_future()

        async def ask(self, request: str) -> str:
            return (await self.call(lib.call.SignCertificate(csr=request), suppress=False)).status

        @on("CertificateSigned")
        def on_signed(self, certificate_chain: str, **_: Any) -> Any:
            if not self.chain.done():
                self.chain.set_result(certificate_chain)
            return lib.call_result.CertificateSigned(status="Accepted")

    return Signing


def signing_request(name: str, key: Any) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name),
                         x509.NameAttribute(NameOID.ORGANIZATION_NAME, TENANT)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def rotating(version: str) -> type:
    """A station that takes a new password."""
    base, lib = CLASSES[version], LIBRARIES[version]

    class Rotating(base):  # type: ignore[misc,valid-type]
        password = ""

        @on("ChangeConfiguration")
        def on_change(self, key: str, value: str) -> Any:
            assert key == "AuthorizationKey" and len(bytes.fromhex(value)) == 20, key
            self.password = value
            return lib.call_result.ChangeConfiguration(status="Accepted")

        @on("SetVariables")
        def on_set(self, set_variable_data: list[dict[str, Any]], **_: Any) -> Any:
            self.password = set_variable_data[0]["attribute_value"]
            result = [{"attribute_status": "Accepted", "component": item["component"], "variable": item["variable"]}
                      for item in set_variable_data]
            return lib.call_result.SetVariables(set_variable_result=result)

    return Rotating


@each_version("a station gets a new password, and both count until it has come with it")
async def rotate(server: SecureServer, version: str) -> None:
    name = f"TURN-{version}"
    await server.station(name, 2)
    api = server.api()
    async with server.connected(name, version, server.context(), PASSWORD, rotating(version)) as point:
        equal(await point.boot(), "Accepted", "boot")
        outcome = await api_call(api.post, f"/stations/{name}/credentials/rotate")
        equal(outcome, {"outcome": "taken"}, "the rotation")
        new = point.password
    assert len(new) >= 16 and new != PASSWORD
    commands = await api_call(api.get, "/commands", station=name)
    assert new not in str(commands), "a password stands in the list of commands"
    equal(await server.refused(name, server.context(), PASSWORD), "in", "the old password, before the new one came")
    equal(await server.refused(name, server.context(), new), "in", "the new password")
    equal(await server.refused(name, server.context(), PASSWORD), 401, "the old password, after the new one came")
    equal((await api_call(api.get, f"/stations/{name}/security"))["rotating_since"], None, "the rotation is over")


@each_version("a station asks for a certificate and comes back with it")
async def sign(server: SecureServer, version: str) -> None:
    name = f"SIGN-{version}"
    await server.station(name, 2)
    key: Any = rsa.generate_private_key(65537, 2048) if version == "2.0.1" else ec.generate_private_key(ec.SECP256R1())
    async with server.connected(name, version, server.context(), PASSWORD, signing(version)) as point:
        equal(await point.boot(), "Accepted", "boot")
        equal(await point.ask(signing_request("SOMEBODY-ELSE", key)), "Rejected", "a request for another station")
        equal(await point.ask(signing_request(name, key)), "Accepted", "its own request")
        chain = await asyncio.wait_for(point.chain, 20)

        def recorded() -> Any:
            records = server.api().get(f"/twins/{name}/records", topic="certificate")["items"]
            return next((item["value"] for item in records if item["value"].get("state") == "installed"), None)

        about = await until(recorded, "the certificate's record")
    issued = x509.load_pem_x509_certificates(chain.encode())
    equal(issued[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value, name, "the certificate's name")
    equal(issued[0].public_key().public_numbers(), key.public_key().public_numbers(), "the certificate's key")
    equal(about["serial"], f"{issued[0].serial_number:x}", "the recorded serial number")
    issued[0].verify_directly_issued_by(issued[1])

    certificate_file, key_file = server.folder / f"{name}-new.pem", server.folder / f"{name}-new.key"
    certificate_file.write_text(chain)
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    await api_call(server.admin, "station", "profile", name, "3", "--tenant", TENANT)
    async with server.connected(name, version, server.context(certificate_file, key_file), None) as point:
        equal(await point.boot(), "Accepted", "boot with the new certificate")
    equal(await server.refused(name, server.context(), PASSWORD), 403, "the password alone does not do any more")


def upgrading(version: str) -> type:
    """A station that takes the order to come with a higher profile, and asks for a certificate when it is told to."""
    base, lib = signing(version), LIBRARIES[version]

    class Upgrading(base):  # type: ignore[misc,valid-type]
        def remember(self) -> None:
            super().remember()
            self.told: list[Any] = []
            self.wanted: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        @on("ChangeConfiguration")
        def on_change(self, key: str, value: str) -> Any:
            self.told.append((key, value))
            return lib.call_result.ChangeConfiguration(status="Accepted")

        @on("GetVariables")
        def on_get(self, get_variable_data: list[dict[str, Any]], **_: Any) -> Any:
            item = get_variable_data[0]
            result = {"attribute_status": "Accepted", "attribute_value": "1", "component": item["component"],
                      "variable": item["variable"]}
            return lib.call_result.GetVariables(get_variable_result=[result])

        @on("SetNetworkProfile")
        def on_network(self, configuration_slot: int, connection_data: dict[str, Any], **_: Any) -> Any:
            url, profile = connection_data["ocpp_csms_url"], connection_data["security_profile"]
            self.told.append((configuration_slot, url, profile))
            return lib.call_result.SetNetworkProfile(status="Accepted")

        @on("SetVariables")
        def on_set(self, set_variable_data: list[dict[str, Any]], **_: Any) -> Any:
            item = set_variable_data[0]
            self.told.append((item["variable"]["name"], item["attribute_value"]))
            result = {"attribute_status": "RebootRequired", "component": item["component"],
                      "variable": item["variable"]}
            return lib.call_result.SetVariables(set_variable_result=[result])

        @on("Reset")
        def on_reset(self, **_: Any) -> Any:
            self.told.append("Reset")
            return lib.call_result.Reset(status="Accepted")

        @on("ExtendedTriggerMessage" if version == "1.6" else "TriggerMessage")
        def on_trigger_certificate(self, requested_message: str, **_: Any) -> Any:
            self.wanted.set_result(requested_message)
            kind = lib.call_result.ExtendedTriggerMessage if version == "1.6" else lib.call_result.TriggerMessage
            return kind(status="Accepted")

    return Upgrading


@each_version("a station is told to come with a higher profile, and is held to it once it has")
async def upgrade(server: SecureServer, version: str) -> None:
    name, url = f"UP-{version}", f"wss://127.0.0.1:{server.tls_port}/ocpp"
    await api_call(server.api().add_station, name)
    api, kind = server.api(), upgrading(version)
    order = partial(api_call, api.post, f"/stations/{name}/security/upgrade")
    async with station(server.ocpp, name, version, kind=kind) as point:
        equal(await point.boot(), "Accepted", "boot in plain text")
        equal(await order({"profile": 2, "url": url}), {"outcome": "ordered", "action": None, "reason": None}, "to 2")
        expected = [("SecurityProfile", "2")] if version == "1.6" else [
            (2, url, 2), ("NetworkConfigurationPriority", "2,1"), "Reset"]
        equal(point.told, expected, "what the station was told")
        about = await api_call(api.get, f"/stations/{name}/security")
        equal((about["profile"], about["next_profile"]), (1, 2), "what waits")
    async with station(server.ocpp, name, version, kind=kind) as point:
        equal(await point.boot(), "Accepted", "in plain text, before it has come with TLS")
    async with server.connected(name, version, server.context(), PASSWORD, kind) as point:
        equal(await point.boot(), "Accepted", "over TLS")
        about = await api_call(api.get, f"/stations/{name}/security")
        equal((about["profile"], about["next_profile"]), (2, None), "what it is held to")
        try:
            await order({"profile": 3, "url": url})
            raise AssertionError("a station without a certificate was told to come with one")
        except ApiError as error:
            equal(error.status, 409, "profile 3 without a certificate")
        key: Any = ec.generate_private_key(ec.SECP256R1())
        renewal = asyncio.create_task(api_call(api.post, f"/stations/{name}/certificates/renew"))
        wanted = await asyncio.wait_for(point.wanted, 20)
        equal(wanted, "SignChargePointCertificate" if version == "1.6" else "SignChargingStationCertificate",
              "the question")
        equal((await renewal)["state"], "accepted", "the renewal")
        equal(await point.ask(signing_request(name, key)), "Accepted", "its request")
        chain = await asyncio.wait_for(point.chain, 20)
        point.told.clear()
        equal((await order({"profile": 3, "url": url}))["outcome"], "ordered", "to 3")
        assert point.told, "the station was told nothing"
    try:
        async with station(server.ocpp, name, version):
            raise AssertionError("a station of profile 2 came in plain text")
    except websockets.InvalidStatus as error:
        equal(error.response.status_code, 403, "plain text")
    certificate_file, key_file = server.folder / f"{name}.pem", server.folder / f"{name}.key"
    certificate_file.write_text(chain)
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    async with server.connected(name, version, server.context(certificate_file, key_file), None) as point:
        equal(await point.boot(), "Accepted", "with its certificate")
    equal(await server.refused(name, server.context(), PASSWORD), 403, "the password alone")
    alarms = await api_call(api.pages, "/alarms", state="open")
    codes = {alarm["code"] for alarm in alarms if alarm["twin"] == name}
    equal(codes & {"SecurityConnectionBelowSecurityProfile"}, {"SecurityConnectionBelowSecurityProfile"}, "its alarm")
    listed = await api_call(api.get, "/certificates", station=name)
    (issued,) = listed["items"]
    revoked = await api_call(api.post, f"/certificates/{issued['fingerprint']}/revoke")
    assert revoked["revoked_at"], revoked
    equal(await server.refused(name, server.context(certificate_file, key_file), None), 401, "a revoked certificate")


@each_version("a report may be long and other messages may not")
async def long_report(server: SecureServer, version: str) -> None:
    name = f"LONG-{version}"
    await server.station(name, 1)

    async def closed(length: int, action: str, payload: dict[str, Any]) -> int | None:
        async with station(server.ocpp, name, version) as point:
            equal(await point.boot(), "Accepted", "boot")
            text = json.dumps([2, "long", action, payload])
            await point.socket.send(text + " " * max(0, length - len(text)))
            try:
                await asyncio.wait_for(point.listening, 3)
            except asyncio.TimeoutError:
                return None
            except websockets.ConnectionClosed:
                pass
            return point.socket.close_code

    long = ("StopTransaction", {"transactionId": 7, "meterStop": 1, "timestamp": "2026-11-21T08:00:00Z"})
    if version != "1.6":
        long = ("NotifyReport", {"requestId": 1, "generatedAt": "2026-11-21T08:00:00Z", "seqNo": 0})
    equal(await closed(900_000, *long), None, "a long report")
    equal(await closed(1_100_000, *long), 1009, "a longer one")
    equal(await closed(66_000, "Heartbeat", {}), 1009, "a long heartbeat")
    equal(await closed(60_000, "Heartbeat", {}), None, "a heartbeat with room to spare")


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", default="", help="run the stories whose name contains this")
    args = parser.parse_args()
    report = Report()
    with SecureServer(checked(args.voltwin)) as server:
        server.prepare()
        server.start()
        for name, function in stories:
            if args.only in name:
                await report.run(name, partial(function, server), server)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
