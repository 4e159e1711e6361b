"""`voltwin azure deploy`: its templates, worked out and held to what Azure knows, and its deployments, against a manager that
throttles, fails and hangs up.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from azure_arm import DIRECTORY, SECRET, SUBSCRIPTION, Manager, times
from azure_templates import ROLES, Arm, Terraform, Wrong, check_names, check_properties, unique_string
from harness import Report, arguments, checked, equal

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "deploy/azure/azure.toml"
TEMPLATES = ROOT / "deploy/azure/templates"
HEAD = "location = 'westeurope'\nresource_group = 'twin'\nprefix = 'acme'\n"
SERVER = f"""[server]
binary_url = 'https://releases.example.org/voltwin'
binary_sha256 = '{'ab' * 32}'
allowed = ['0.0.0.0/0', '203.0.113.7']
ssh_public_key = 'ssh-ed25519 AAAA operator'
"""
# Every part alone, and together where parts change one another.
CONFIGS = {
    "twins": "[digital_twins]",
    "twins to read": "[digital_twins]\nvoltwin = 'reader'\n[storage]\nredundancy = 'LRS'",
    "event hubs": "[digital_twins]\n[event_hubs]\ntier = 'Premium'\nreaders = ['a', 'b.c']",
    "service bus": "[digital_twins]\n[service_bus]\ntier = 'Premium'\nunits = 2",
    "event grid": "suffix = 'ab12'\n[digital_twins]\n[event_grid]",
    "history": "[digital_twins]\n[event_hubs]\n[data_history]",
    "iot hub": "[iot_hub]\nsize = 'S3'\nunits = 10\n[tags]\n'a b' = '${c} \"d\" %{e}'",
    "storage": "[storage]\n[network]\noperators = ['203.0.113.0/24', '198.51.100.7/32']",
    "key vault": "[key_vault]",
    "server": SERVER,
    "server in China": "cloud = 'china'\n" + SERVER.replace("[server]", "[key_vault]\n[storage]\n[server]\ncertificate = 'c'\nhost = 'a.example'\nssh_allowed = ['203.0.113.7']"),
    "names": "[digital_twins]\n[storage]\n[key_vault]\n[names]\ndigital_twins = 'twins-of-acme'\nstorage = 'acmeblobs'\nkey_vault = 'acme-secrets'",
}


class Deployment:
    """The command with a folder of its own and an empty environment."""

    def __init__(self, voltwin: Path, keep: Path | None) -> None:
        self.voltwin = voltwin
        self.keep = keep
        self.folder = Path(tempfile.mkdtemp(prefix="voltwin-azure-"))
        self.path = os.environ["PATH"]

    def run(self, *args: str, expect: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.voltwin), "--log", "trace", "azure", "deploy", *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                              env={"PATH": self.path, "HOME": str(self.folder), **environment}, check=False)
        if done.returncode != expect:
            raise AssertionError(f"{' '.join(args)} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-1500:]}")
        for secret in (SECRET, "that-nobody-prints"):
            if secret in done.stdout + done.stderr:
                raise AssertionError(f"{secret} was printed")
        return done

    def render(self, config: str) -> Path:
        name = hashlib.sha256(config.encode()).hexdigest()[:12]
        (self.folder / f"{name}.toml").write_text(config)
        self.run("render", "--config", str(self.folder / f"{name}.toml"), "--out", str(self.folder / name))
        if self.keep:
            shutil.copytree(self.folder / name, self.keep / name, dirs_exist_ok=True)
        return self.folder / name

    def apply(self, manager: Manager, *args: str, expect: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {"AZURE_TENANT_ID": DIRECTORY, "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": SECRET,
                 "AZURE_AUTHORITY_HOST": manager.url, "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION}
        known = {name: value for name, value in (known | environment).items() if value}
        return self.run("apply", "--config", str(EXAMPLE), "--arm-url", manager.url, *args, expect=expect, **known)

    def __enter__(self) -> "Deployment":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def both(folder: Path, group: str = "twin") -> tuple[Arm, Terraform]:
    template, parameters = (json.loads((folder / f"main{end}.json").read_text()) for end in ("", ".parameters"))
    return Arm(template, parameters["parameters"], group), Terraform(folder)


async def templates(deployment: Deployment) -> None:
    known = json.loads((Path(__file__).parent / "azure_properties.json").read_text())
    configs = {name: HEAD + config for name, config in CONFIGS.items()} | {"the example": EXAMPLE.read_text()}
    resources = properties = 0
    for name, config in configs.items():
        try:
            arm, terraform = both(deployment.render(config), "voltwin" if name == "the example" else "twin")
            of_arm, of_terraform = arm.resources(), terraform.resources()
            equal(sorted(of_terraform), sorted(of_arm), f"{name}: ids of the resources")
            for id, resource in of_arm.items():
                equal(of_terraform[id], resource, f"{name}: {id}")
            snake = {re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", key): value for key, value in arm.outputs().items()}
            equal(terraform.outputs(), snake, f"{name}: outputs")
            check_names(of_arm)
            resources += len(of_arm)
            properties += check_properties(of_arm, known)
        except (Wrong, KeyError) as error:
            raise AssertionError(f"{name}: {error!r}") from error
    assert resources > 100 and properties > 500, (resources, properties)


async def mistakes(_: Deployment) -> None:
    """The check itself: each of these mistakes is found."""
    known = json.loads((Path(__file__).parent / "azure_properties.json").read_text())
    text = (TEMPLATES / "main.json").read_text()

    def named(template: Any, kind: str) -> Any:
        return next(resource for resource in template["resources"] if resource["type"] == kind)

    def change(template: Any, kind: str, key: str, value: Any) -> None:
        named(template, kind)[key] = value

    hub, vault, twins = "Microsoft.EventHub/namespaces/eventhubs", "Microsoft.KeyVault/vaults", "Microsoft.DigitalTwins/digitalTwinsInstances"
    topic = "resourceId('Microsoft.EventGrid/topics', variables('eventGridName'))"
    for wanted, mistake in (
        ("does not wait for", lambda template: change(template, hub, "dependsOn", [])),
        ("which nobody declares", lambda template: template["resources"].remove(named(template, "Microsoft.EventHub/namespaces"))),
        ("a circle", lambda template: change(template, "Microsoft.EventGrid/topics", "dependsOn", [f"[{topic}]"])),
        ("nobody uses", lambda template: template["parameters"].update(other={"type": "string", "defaultValue": "x"})),
        ("is no name", lambda template: template["variables"].update(keyVaultName="a--b")),
        ("is none of", lambda template: named(template, vault)["properties"].update(enablePurgeProtektion=True)),
        ("is 'Maybe' and none of", lambda template: named(template, vault)["properties"]["networkAcls"].update(bypass="Maybe")),
        ("is there twice", lambda template: template["resources"].append(named(template, twins))),
        ("needs what is not there yet", lambda template: template["variables"].update(twinsName=f"[reference({topic}, '2025-02-15').x]")),
    ):
        template = json.loads(text)
        mistake(template)
        try:
            parameters = json.loads((TEMPLATES / "main.parameters.json").read_text())["parameters"]
            resources = Arm(template, parameters, "voltwin").resources()
            check_names(resources)
            check_properties(resources, known)
        except Wrong as error:
            assert wanted in str(error), f"{wanted}: {error}"
            continue
        raise AssertionError(f"{wanted} was not found")


async def roles(_: Deployment) -> None:
    """Who may do what, in full: nothing more than this is given to anybody."""
    found = set()
    arm = both(TEMPLATES, "voltwin")[0]
    suffix = unique_string(arm.group)[:8]
    for id, resource in arm.resources().items():
        if resource.type == ROLES:
            role = resource.said["properties"]["roleDefinitionId"].rsplit("/", 1)[1]
            scope = id.rsplit("/providers/", 1)[0].rsplit("/providers/", 1)[1]
            who = resource.said["properties"]["principalId"].rsplit("/providers/", 1)[1].split("/")[1]
            found.add((who, role, scope.replace(suffix, "SUFFIX")))
    hubs, bus = "Microsoft.EventHub/namespaces/voltwin-eh-SUFFIX/eventhubs", "Microsoft.ServiceBus/namespaces/voltwin-sb-SUFFIX"
    blobs = "Microsoft.Storage/storageAccounts/voltwinstSUFFIX/blobServices/default/containers"
    equal(found, {
        ("userAssignedIdentities", "bcd981a7-7f74-457b-83e1-cceb9e632ffe", "Microsoft.DigitalTwins/digitalTwinsInstances/voltwin-dt-SUFFIX"),
        ("userAssignedIdentities", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", f"{blobs}/imports"),
        ("userAssignedIdentities", "4633458b-17de-408a-b874-0445c86b69e6", "Microsoft.KeyVault/vaults/voltwin-kv-SUFFIX"),
        ("digitalTwinsInstances", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", f"{blobs}/imports"),
        ("digitalTwinsInstances", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", f"{blobs}/dead-letters"),
        ("digitalTwinsInstances", "2b629674-e913-4c01-ae53-ef4638d8f975", f"{hubs}/twin-events"),
        ("digitalTwinsInstances", "f526a384-b230-433a-b45c-95f59c4a2dec", f"{hubs}/twin-history"),
        ("digitalTwinsInstances", "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39", f"{bus}/topics/twin-events"),
        ("digitalTwinsInstances", "b24988ac-6180-42a0-ab88-20f7382dd24c",
         "Microsoft.Kusto/clusters/voltwinadxSUFFIX/databases/twin-history"),
    }, "roles")


async def layout(deployment: Deployment) -> None:
    for name, config in CONFIGS.items():
        deployment.render(HEAD + config)
    command = ["terraform", "fmt", "-check", "-diff", "-recursive", str(deployment.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "TF_CLI_CONFIG_FILE": "/dev/null"})
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-500:]


def cloud_init(folder: Path, group: str) -> dict[str, str]:
    """The files that the machine is given, by path."""
    resources = both(folder, group)[0].resources().values()
    machine = next(one for one in resources if one.type == "Microsoft.Compute/virtualMachines")
    text = base64.b64decode(machine.said["properties"]["osProfile"]["customData"]).decode()
    assert text.startswith("#cloud-config\n"), text[:40]
    files: dict[str, list[str]] = {}
    path = ""
    for line in text.split("\n"):
        if found := re.fullmatch(r"  - path: (\S+)", line):
            path = found[1]
        elif line == "runcmd:":
            path = ""
        elif path and line.startswith("      "):
            files.setdefault(path, []).append(line[6:])
        elif path and not line:
            files[path].append("")
    return {path: "\n".join(lines) + "\n" for path, lines in files.items()}


async def first_start(deployment: Deployment) -> None:
    files = cloud_init(TEMPLATES, "voltwin")
    for name in ("install", "certificate"):
        script = files[f"/usr/local/sbin/voltwin-{name}"]
        done = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
    environment = dict(line.split("=", 1) for line in files["/etc/voltwin/voltwin.env"].splitlines())
    help = subprocess.run([str(deployment.voltwin), "serve", "--help"], capture_output=True, text=True, timeout=20, check=True)
    options = " ".join(help.stdout.split())
    for name in environment:
        assert name.startswith("AZURE_") or f"[env: {name}=" in options, f"serve knows no {name}"
    if shutil.which("systemd-analyze"):
        unit = deployment.folder / "voltwin.service"
        unit.write_text(files["/etc/systemd/system/voltwin.service"].replace("/usr/local/bin/voltwin", str(deployment.voltwin)))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False)
        assert "voltwin.service" not in done.stderr, done.stderr


async def certificate(deployment: Deployment) -> None:
    """The script that fetches the certificate, against an identity endpoint and a vault on this machine."""
    made = deployment.folder / "made"
    made.mkdir()
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
               "/CN=x", "-keyout", str(made / "key.pem"), "-out", str(made / "cert.pem")]
    subprocess.run(command, capture_output=True, timeout=30, check=True)
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers.get("Metadata"), self.headers.get("Authorization")))
            body = {"access_token": "vault-token"} if "/metadata/" in self.path else {
                "value": (made / "key.pem").read_text() + (made / "cert.pem").read_text()}
            text = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=http.serve_forever, daemon=True).start()
    url, tls = f"http://127.0.0.1:{http.server_port}", deployment.folder / "tls"
    tls.mkdir()
    settings = deployment.folder / "certificate.env"
    settings.write_text(f"CERTIFICATE=voltwin\nAUDIENCE=https://vault.azure.net\nVAULT_URL={url}/\nCLIENT_ID=client\n")
    script = cloud_init(TEMPLATES, "voltwin")["/usr/local/sbin/voltwin-certificate"]
    script = script.replace("/etc/voltwin/certificate.env", str(settings))
    owner = f"{os.getuid()}:{os.getgid()}"
    for _ in range(2):
        done = subprocess.run(["sh"], input=script, capture_output=True, text=True, timeout=60, check=False,
                              env={"PATH": deployment.path, "IDENTITY_URL": url, "TLS_FOLDER": str(tls), "OWNER": owner})
        assert done.returncode == 0, done.stderr
    http.shutdown()
    equal((tls / "server.pem").read_text(), (made / "cert.pem").read_text(), "certificate")
    equal((tls / "server.key").stat().st_mode & 0o777, 0o600, "mode of the key")
    equal(sorted(path.name for path in tls.iterdir()), ["server.key", "server.pem"], "files")
    token, secret = seen[0], seen[1]
    assert token[1] == "true" and "client_id=client" in token[0] and "resource=https://vault.azure.net" in token[0], token
    equal(secret, ("/secrets/voltwin?api-version=7.4", None, "Bearer vault-token"), "question to the vault")


async def tokens_of_devices(_: Deployment) -> None:
    """What signs the tokens of devices, once more: by Python's own hmac."""
    vectors = json.loads((ROOT / "crates/connect/iot-hub/tests/official_client.json").read_text())["tokens"]
    equal(len(vectors), 3, "tokens")
    for vector in vectors:
        resource = urllib.parse.quote(vector["resource"], safe="")
        signed = f"{resource}\n{vector['end_s']}".encode()
        signature = base64.b64encode(hmac.digest(base64.b64decode(vector["key"]), signed, "sha256"))
        policy = f"&skn={vector['policy']}" if vector["policy"] else ""
        token = f"SharedAccessSignature sr={resource}&sig={urllib.parse.quote(signature, safe='')}&se={vector['end_s']}{policy}"
        equal(vector["token"], token, "token")


async def bad_input(deployment: Deployment) -> None:
    for config, wanted in (
        (HEAD, "there is nothing to deploy"),
        (HEAD + "[event_hubs]", "[event_hubs] needs [digital_twins]"),
        (HEAD.replace("acme", "Acme!") + "[storage]", "`prefix` must be 2 to 10 lower-case letters and digits"),
        (HEAD + "[key_vault]\nkeep_deleted_days = 5", "`key_vault.keep_deleted_days` must be 7 to 90, not 5"),
        (HEAD + "[storage]\nsize = 1", "unknown field `size`"),
        ("=", "TOML"),
    ):
        (deployment.folder / "bad.toml").write_text(config)
        args = ["render", "--config", str(deployment.folder / "bad.toml"), "--out", str(deployment.folder / "never")]
        said = deployment.run(*args, expect=2).stderr
        equal(len(said.strip().splitlines()), 1, f"lines of {said!r}")
        assert wanted in said, said
    assert not (deployment.folder / "never").exists()
    deployment.run("render", "--config", "nowhere.toml", "--out", "x", expect=2)
    config = ["--config", str(EXAMPLE), "--subscription"]
    deployment.run("apply", *config, "mine", expect=2)
    deployment.run("apply", *config, SUBSCRIPTION, "--arm-url", "http://management.example.org", expect=2,
                   AZURE_CLIENT_SECRET="x", AZURE_TENANT_ID="x", AZURE_CLIENT_ID="x", AZURE_AUTHORITY_HOST="http://127.0.0.1:1")
    deployment.run("apply", *config, SUBSCRIPTION, "--name", "a/b", expect=2)


def managed(test: Any) -> Any:
    async def with_manager(deployment: Deployment) -> None:
        manager = Manager()
        try:
            await asyncio.to_thread(test, deployment, manager)
        finally:
            manager.close()

    return with_manager


def there(manager: Manager) -> None:
    """A group with something in it."""
    base = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/voltwin/providers"
    manager.groups["voltwin"] = {"location": "westeurope"}
    manager.changes = [
        {"resourceId": f"{base}/Microsoft.DigitalTwins/digitalTwinsInstances/voltwin-dt", "changeType": "Create", "after": {}},
        {"resourceId": f"{base}/Microsoft.Kusto/clusters/voltwinadx", "changeType": "Modify", "delta": [
            {"path": "sku.capacity", "propertyChangeType": "Modify", "before": 2, "after": 3}]},
        {"resourceId": f"{base}/Microsoft.KeyVault/vaults/voltwin-kv", "changeType": "NoChange"},
    ]


@managed
def new_group(deployment: Deployment, manager: Manager) -> None:
    said = deployment.apply(manager, "--yes").stdout.splitlines()
    assert "there is no resource group voltwin yet" in said and "+ Microsoft.Kusto/clusters" in said, said
    equal(manager.groups["voltwin"]["location"], "westeurope", "group")
    sent = manager.deployments["voltwin"]["body"]["properties"]
    equal(sent["template"], json.loads((TEMPLATES / "main.json").read_text()), "template")
    equal(sent["parameters"], json.loads((TEMPLATES / "main.parameters.json").read_text())["parameters"], "parameters")
    for line in ("deployment voltwin has begun", "Running    Microsoft.DigitalTwins/digitalTwinsInstances  voltwin-dt",
                 "Succeeded  Microsoft.DigitalTwins/digitalTwinsInstances  voltwin-dt", "Succeeded  Microsoft.Kusto/clusters  voltwinadx",
                 "digitalTwinsUrl = https://voltwin-dt.api.weu.digitaltwins.azure.net"):
        equal(said.count(line), 1, line)
    equal(said[-1], "done", "last line")


@managed
def foretold(deployment: Deployment, manager: Manager) -> None:
    there(manager)
    manager.what_if_looks = 3
    said = deployment.apply(manager, "--what-if").stdout.splitlines()
    equal(said, [
        "+ Microsoft.DigitalTwins/digitalTwinsInstances  voltwin-dt",
        "~ Microsoft.Kusto/clusters                      voltwinadx",
        "    sku.capacity: 2 -> 3",
        "= Microsoft.KeyVault/vaults                     voltwin-kv",
        "1 to make, 1 to change, 1 as they should be",
    ], "table")
    said = deployment.apply(manager, expect=2)
    assert "nobody to ask" in said.stderr and "2 -> 3" in said.stdout, said
    assert not manager.deployments and not any(seen.startswith("PUT") for seen in manager.seen), manager.seen
    manager.changes = manager.changes[2:]
    equal(deployment.apply(manager).stdout.splitlines()[-1], "nothing to do", "last line")


@managed
def throttled(deployment: Deployment, manager: Manager) -> None:
    there(manager)
    later = lambda request: request.answer(429, {"error": {"code": "TooManyRequests", "message": "slow"}}, Retry_After="1")
    manager.rules = [
        times(2, r"PUT .*/deployments/voltwin$", later),
        times(1, r"GET .*/operations$", lambda request: request.answer(503, None)),
        times(1, r"POST .*/whatIf$", lambda request: request.answer(500, {"error": {"code": "InternalServerError"}})),
    ]
    began = time.monotonic()
    equal(deployment.apply(manager, "--yes").stdout.splitlines()[-1], "done", "last line")
    assert time.monotonic() - began >= 2, "Retry-After was not kept"
    equal(sum(seen.endswith("/deployments/voltwin") and seen.startswith("PUT") for seen in manager.seen), 3, "attempts")


@managed
def lost(deployment: Deployment, manager: Manager) -> None:
    there(manager)

    def begun_but_unheard(request: Any) -> bool:
        manager.deployments["voltwin"] = {"active": True, "body": request.body}
        manager.looks["voltwin"] = 0
        return request.hang_up()

    manager.rules = [
        times(1, r"PUT .*/deployments/voltwin$", begun_but_unheard),
        times(2, r"GET .*/operations$", lambda request: request.hang_up()),
    ]
    equal(deployment.apply(manager, "--yes").stdout.splitlines()[-1], "done", "last line")
    # a deployment of somebody else is not taken for ours
    manager.deployments["voltwin"]["active"] = True
    assert "DeploymentActive" in deployment.apply(manager, "--yes", expect=1).stderr


@managed
def failed(deployment: Deployment, manager: Manager) -> None:
    there(manager)
    manager.fails = {"code": "SkuNotAvailable", "target": "Standard_E2ads_v5", "message": "Not available in westeurope.",
                     "details": [{"code": "Capacity", "message": "None left."}]}
    done = deployment.apply(manager, "--yes", expect=1)
    assert "Failed     Microsoft.Kusto/clusters  voltwinadx" in done.stdout, done.stdout
    assert "SkuNotAvailable (Standard_E2ads_v5): Not available in westeurope.\n    Capacity: None left." in done.stdout, done.stdout
    assert "the deployment ended as Failed: DeploymentFailed" in done.stderr, done.stderr
    manager.rules = [times(9, r"PUT .*/deployments", lambda request: request.error(
        400, "InvalidTemplate", "The template is not valid.", target="main.json"))]
    assert "InvalidTemplate (main.json): The template is not valid." in deployment.apply(manager, "--yes", expect=1).stderr
    manager.rules = [times(9, r"POST .*/whatIf", lambda request: request.error(403, "AuthorizationFailed", "No permission."))]
    assert "AuthorizationFailed: No permission." in deployment.apply(manager, "--yes", expect=1).stderr


@managed
def ended_token(deployment: Deployment, manager: Manager) -> None:
    there(manager)

    def end(_: Any) -> bool:
        manager.tokens.clear()
        return False

    manager.rules = [times(1, r"GET .*/operations", end)]
    equal(deployment.apply(manager, "--yes").stdout.splitlines()[-1], "done", "last line")
    equal(manager.given, 2, "tokens")


@managed
def strangers(deployment: Deployment, manager: Manager) -> None:
    """A link that leads to another host does not get the token."""
    there(manager)
    other = Manager()
    try:
        manager.rules = [times(1, "whatIf", lambda request: request.answer(202, None, Location=f"{other.url}/x", Retry_After="0"))]
        assert "which the token is not for" in deployment.apply(manager, "--what-if", expect=1).stderr
        equal(other.seen, [], "requests to the other host")
    finally:
        other.close()


@managed
def who_asks(deployment: Deployment, manager: Manager) -> None:
    there(manager)
    none = {"AZURE_CLIENT_SECRET": "", "AZURE_TENANT_ID": "", "AZURE_CLIENT_ID": ""}
    deployment.apply(manager, "--what-if", IDENTITY_ENDPOINT=f"{manager.url}/msi", IDENTITY_HEADER="identity-header", **none)
    tools = deployment.folder / "tools"
    tools.mkdir(exist_ok=True)
    az = tools / "az"
    token = manager.new_token()
    az.write_text("#!/bin/sh\n[ \"$1\" = version ] && exit 0\n[ \"$*\" = 'account get-access-token --output json --resource "
                  f"https://management.azure.com/' ] || exit 3\necho '{{\"accessToken\": \"{token}\", \"expiresOn\": \"x\"}}'\n")
    az.chmod(0o755)
    deployment.path = f"{tools}:{os.environ['PATH']}"
    deployment.apply(manager, "--what-if", **none)
    az.write_text("#!/bin/sh\n[ \"$1\" = version ] && exit 0\necho \"ERROR: Please run 'az login'.\" >&2\nexit 1\n")
    assert "Please run 'az login'." in deployment.apply(manager, "--what-if", expect=2, **none).stderr
    said = deployment.apply(manager, "--what-if", expect=2, AZURE_CLIENT_SECRET="wrong").stderr
    assert "AADSTS7000215" in said and "wrong" not in said, said
    deployment.path = os.environ["PATH"]


STORIES = [
    ("ARM and Terraform say the same, and what Azure knows", templates),
    ("mistakes in templates are found", mistakes),
    ("roles", roles),
    ("the first start of the machine", first_start),
    ("tokens of devices", tokens_of_devices),
    ("bad input", bad_input),
    ("a new resource group", new_group),
    ("what would change", foretold),
    ("throttling and faults", throttled),
    ("lost connections", lost),
    ("failures", failed),
    ("a token that ends", ended_token),
    ("links to other hosts", strangers),
    ("who asks for the token", who_asks),
]


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", default="", help="run the stories whose name contains this")
    parser.add_argument("--keep", type=Path, help="a folder for what is rendered, to write azure_properties.json from")
    args = parser.parse_args()
    report = Report()
    stories = list(STORIES)
    for name, function, tools in (("the layout of terraform fmt", layout, ["terraform"]),
                                  ("the certificate of the key vault", certificate, ["curl", "jq", "openssl"])):
        if missing := [tool for tool in tools if not shutil.which(tool)]:
            report.skip(name, f"there is no {' and no '.join(missing)}")
        else:
            stories.append((name, function))
    with Deployment(checked(args.voltwin), args.keep) as deployment:
        for name, function in stories:
            if args.only in name:
                await report.run(name, partial(function, deployment))
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
