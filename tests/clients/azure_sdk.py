"""The official clients of Azure Digital Twins against Voltwin, over TLS and with a managed identity: PyPI
`azure-digitaltwins-core` (sync and async) and npm `@azure/digital-twins-core`.

Their own samples run as they are published, with nothing but their placeholders filled in. They swallow errors and end with 0, so what
they print is judged.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (HttpResponseError, ResourceExistsError, ResourceModifiedError,
                                   ResourceNotFoundError)
from azure.digitaltwins.core import DigitalTwinsClient, DigitalTwinsEventRoute
from azure.digitaltwins.core._generated import AzureDigitalTwinsAPI
from azure.digitaltwins.core._generated.models import ImportJob, DigitalTwinModelsListOptions, QueryTwinsOptions
from azure.digitaltwins.core.aio import DigitalTwinsClient as AsyncClient
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncCredential
from cryptography.hazmat.primitives.asymmetric import rsa

from azure_cloud import DIRECTORY, OWNER, READER, VERSION, AzureServer, Cloud, export, lines
from harness import TENANT, Report, arguments, checked, equal, until

SDK = "azure-digitaltwins-core==1.3.0"
CONTEXT = "dtmi:dtdl:context;2"
CAUGHT = "caught an error"

ROOM = {
    "@id": "dtmi:test:Room;1", "@type": "Interface", "@context": CONTEXT, "displayName": "Room",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "label", "schema": "string"},
        {"@type": "Telemetry", "name": "heat", "schema": "double"},
        {"@type": "Component", "name": "thermostat", "schema": "dtmi:test:Thermostat;1"},
        {"@type": "Relationship", "name": "opensTo", "target": "dtmi:test:Room;1",
         "properties": [{"@type": "Property", "name": "locked", "schema": "boolean"}]},
    ],
}
THERMOSTAT = {
    "@id": "dtmi:test:Thermostat;1", "@type": "Interface", "@context": CONTEXT, "displayName": "Thermostat",
    "contents": [{"@type": "Property", "name": "target", "schema": "double"},
                 {"@type": "Telemetry", "name": "clicks", "schema": "integer"}],
}


def room(temperature: float) -> dict[str, Any]:
    return {"$metadata": {"$model": ROOM["@id"]}, "temperature": temperature,
            "thermostat": {"$metadata": {}, "target": 21.5}}


def paged(items: int) -> QueryTwinsOptions:
    return QueryTwinsOptions(max_items_per_page=items)


def refused(kind: type[Exception], status: int, code: str, call: Callable[[], Any]) -> None:
    try:
        call()
    except HttpResponseError as error:
        equal((error.status_code, error.response.headers.get("x-ms-error-code")), (status, code), "refusal")
        equal(json.loads(error.response.text())["error"]["code"], code, "code in the body")
        assert isinstance(error, kind), f"{type(error)} is no {kind}"
        return
    raise AssertionError(f"nothing was refused with {code}")


# --- the client for Python


def models_and_twins(client: DigitalTwinsClient) -> None:
    created = client.create_models([ROOM, THERMOSTAT])
    equal([model.id for model in created], [ROOM["@id"], THERMOSTAT["@id"]], "created models")
    equal(created[0].display_name, {"en": "Room"}, "a name without a language is English")
    assert created[0].upload_time and created[0].decommissioned is False
    refused(ResourceExistsError, 409, "ModelAlreadyExists", lambda: client.create_models([ROOM, THERMOSTAT]))
    equal(client.get_model(ROOM["@id"], include_model_definition=True).model, ROOM, "the definition")
    listed = {model.id for model in client.list_models(dependencies_for=[ROOM["@id"]])}
    equal(listed, {ROOM["@id"], THERMOSTAT["@id"]}, "dependencies")
    one = DigitalTwinModelsListOptions(max_items_per_page=1)
    pages = client.list_models([ROOM["@id"]], digital_twin_models_list_options=one).by_page()
    equal([[model.id for model in page] for page in pages], [[ROOM["@id"]], [THERMOSTAT["@id"]]], "pages of models")

    for number in range(3):
        twin = client.upsert_digital_twin(f"room-{number}", room(20.0 + number))
        equal(twin["$dtId"], f"room-{number}", "$dtId")
        equal(twin["$metadata"]["$model"], ROOM["@id"], "$model")
        assert "lastUpdateTime" in twin["$metadata"]["temperature"]
    refused(ResourceExistsError, 412, "PreconditionFailed", lambda: client.upsert_digital_twin(
        "room-0", room(0.0), match_condition=MatchConditions.IfMissing))
    before = client.get_digital_twin("room-0")
    patch = [{"op": "replace", "path": "/temperature", "value": 19.5}, {"op": "add", "path": "/label", "value": "North"}]
    stale = {"etag": before["$etag"], "match_condition": MatchConditions.IfNotModified}
    client.update_digital_twin("room-0", patch, **stale)
    refused(ResourceModifiedError, 412, "PreconditionFailed",
            lambda: client.update_digital_twin("room-0", patch, **stale))
    after = client.get_digital_twin("room-0")
    equal((after["temperature"], after["label"]), (19.5, "North"), "what was patched")
    assert after["$etag"] != before["$etag"] and after["$etag"].startswith('W/"')
    client.update_digital_twin("room-0", [{"op": "remove", "path": "/label"}],
                               match_condition=MatchConditions.IfPresent)
    assert "label" not in client.get_digital_twin("room-0")

    equal(client.get_component("room-0", "thermostat")["target"], 21.5, "a component")
    client.update_component("room-0", "thermostat", [{"op": "replace", "path": "/target", "value": 18.0}])
    equal(client.get_digital_twin("room-0")["thermostat"]["target"], 18.0, "the component within its twin")
    refused(ResourceNotFoundError, 404, "ComponentNotFound", lambda: client.get_component("room-0", "none"))
    refused(ResourceNotFoundError, 404, "DigitalTwinNotFound", lambda: client.get_digital_twin("nobody"))

    client.publish_telemetry("room-0", {"heat": 3.5}, message_id="m-1")
    client.publish_component_telemetry("room-0", "thermostat", {"clicks": 3}, message_id="m-2")


def relationships(client: DigitalTwinsClient) -> None:
    for number in (1, 2):
        body = {"$relationshipId": f"door-{number}", "$sourceId": "room-0", "$relationshipName": "opensTo",
                "$targetId": f"room-{number}", "locked": False}
        made = client.upsert_relationship("room-0", f"door-{number}", body)
        equal({name: made[name] for name in body}, body, "a relationship")
    client.update_relationship("room-0", "door-1", [{"op": "replace", "path": "/locked", "value": True}])
    equal(client.get_relationship("room-0", "door-1")["locked"], True, "what was patched")
    listed = [door["$relationshipId"] for door in client.list_relationships("room-0")]
    equal(listed, ["door-1", "door-2"], "relationships of a twin")
    equal(len(list(client.list_relationships("room-0", relationship_id="opensTo"))), 2, "by name")
    (pointing,) = client.list_incoming_relationships("room-1")
    equal((pointing.source_id, pointing.relationship_id, pointing.relationship_name), ("room-0", "door-1", "opensTo"),
          "an incoming relationship")
    equal(pointing.relationship_link, "/digitaltwins/room-0/relationships/door-1", "its link")
    refused(HttpResponseError, 400, "RelationshipsNotDeleted", lambda: client.delete_digital_twin("room-0"))


def queries(client: DigitalTwinsClient) -> None:
    text = "SELECT * FROM digitaltwins T WHERE IS_OF_MODEL(T, 'dtmi:test:Room;1') AND T.temperature > 19"
    equal(sorted(twin["$dtId"] for twin in client.query_twins(text)), ["room-0", "room-1", "room-2"], "a query")
    pages = [len(list(page)) for page in client.query_twins(text, query_twins_options=paged(2)).by_page()]
    equal(pages, [2, 1], "pages of a query")
    joined = "SELECT B FROM DIGITALTWINS A JOIN B RELATED A.opensTo R WHERE A.$dtId = 'room-0' AND R.locked = true"
    equal([row["B"]["$dtId"] for row in client.query_twins(joined)], ["room-1"], "a join")
    refused(HttpResponseError, 400, "SqlQueryError", lambda: list(client.query_twins("SELECT * FROM nothing")))


def the_end(client: DigitalTwinsClient) -> None:
    for number in (1, 2):
        client.delete_relationship("room-0", f"door-{number}")
    for number in range(3):
        client.delete_digital_twin(f"room-{number}")
    refused(HttpResponseError, 409, "ModelReferencesNotDeleted", lambda: client.delete_model(THERMOSTAT["@id"]))
    client.decommission_model(ROOM["@id"])
    refused(HttpResponseError, 400, "ModelDecommissioned", lambda: client.upsert_digital_twin("room-9", room(1.0)))
    client.delete_model(ROOM["@id"])
    client.delete_model(THERMOSTAT["@id"])
    refused(ResourceNotFoundError, 404, "ModelNotFound", lambda: client.get_model(ROOM["@id"]))


async def python_sync(server: AzureServer) -> None:
    def story() -> None:
        client = DigitalTwinsClient(server.secure, DefaultAzureCredential())
        for part in (models_and_twins, relationships, queries, the_end):
            part(client)
        assert server.cloud.tokens, "the tokens came from the managed identity"

    await asyncio.to_thread(story)


async def python_async(server: AzureServer) -> None:
    async with AsyncCredential() as credential, AsyncClient(server.secure, credential) as client:
        await client.create_models([ROOM, THERMOSTAT])
        await asyncio.gather(*(client.upsert_digital_twin(f"room-{n}", room(float(n))) for n in range(20)))
        found = [twin["$dtId"] async for twin in client.query_twins(
            "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:test:Room;1')", query_twins_options=paged(7))]
        equal(sorted(found), sorted(f"room-{n}" for n in range(20)), "20 twins in pages of 7")
        doors = [{"$relationshipName": "opensTo", "$targetId": f"room-{n}"} for n in range(1, 20)]
        await asyncio.gather(*(client.upsert_relationship("room-0", f"door-{n}", door) for n, door in enumerate(doors)))
        equal(len([door async for door in client.list_relationships("room-0")]), 19, "relationships")
        for n in range(19):
            await client.delete_relationship("room-0", f"door-{n}")
        await asyncio.gather(*(client.delete_digital_twin(f"room-{n}") for n in range(20)))
        await client.delete_model(ROOM["@id"])
        await client.delete_model(THERMOSTAT["@id"])


async def event_routes(server: AzureServer) -> None:
    def story() -> None:
        server.api().call("PUT", "/event-endpoints/files", {"settings": {"target": {"kind": "file"}}})
        client = DigitalTwinsClient(server.secure, DefaultAzureCredential())
        created = "type = 'Microsoft.DigitalTwins.Twin.Create'"
        for number in range(3):
            client.upsert_event_route(f"route-{number}", DigitalTwinsEventRoute(endpoint_name="files", filter=created))
        found = client.get_event_route("route-1")
        equal((found.id, found.endpoint_name, found.filter), ("route-1", "files", created), "a route")
        equal([route.id for route in client.list_event_routes()], ["route-0", "route-1", "route-2"], "routes")
        client.create_models([ROOM, THERMOSTAT])
        client.upsert_digital_twin("told", room(20.0))
        client.publish_telemetry("told", {"heat": 7.25}, message_id="m-7")
        client.publish_component_telemetry("told", "thermostat", {"clicks": 9}, message_id="m-8")
        told = [event for event in events_of(server) if event["type"] == "microsoft.iot.telemetry"]
        equal([(event["id"], event["data"]) for event in told], [("m-7", {"heat": 7.25}), ("m-8", {"clicks": 9})],
              "telemetry as events")
        client.delete_digital_twin("told")
        client.delete_model(ROOM["@id"])
        client.delete_model(THERMOSTAT["@id"])
        wrong = DigitalTwinsEventRoute(endpoint_name="files", filter="type =")
        refused(HttpResponseError, 400, "EventRouteFilterInvalid", lambda: client.upsert_event_route("x", wrong))
        for number in range(3):
            client.delete_event_route(f"route-{number}")
        refused(ResourceNotFoundError, 404, "EventRouteNotFound", lambda: client.get_event_route("route-1"))

    await asyncio.to_thread(story)


def events_of(server: AzureServer) -> list[dict[str, Any]]:
    """The event log of the tenant, which began with its first endpoint."""
    headers = {"Authorization": f"Bearer {server.keys['admin']}", "Accept": "application/x-ndjson"}
    request = urllib.request.Request(f"{server.url}/api/v1/events?after=0", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return [json.loads(line) for line in response.read().splitlines()]


# --- jobs, by the client that the package generates from Azure's description


async def jobs(server: AzureServer) -> None:
    await asyncio.to_thread(job_story, server, server.cloud)


def job_story(server: AzureServer, cloud: Cloud) -> None:
    api = AzureDigitalTwinsAPI(DefaultAzureCredential(), base_url=server.secure, polling_interval=1)
    client = DigitalTwinsClient(server.secure, DefaultAzureCredential())
    twins = [{**room(float(n)), "$dtId": f"hall-{n}"} for n in range(2500)]
    doors = [{"$sourceId": f"hall-{n}", "$relationshipId": "next", "$relationshipName": "opensTo",
              "$targetId": f"hall-{n + 1}", "locked": n % 2 == 0} for n in range(2499)]
    header = [{"Section": "Header"}, {"fileVersion": "1.0.0", "author": "test", "organization": "test"}]
    file = lines(*header, {"Section": "Models"}, ROOM, THERMOSTAT, {"Section": "Twins"}, *twins,
                 {"Section": "Relationships"}, *doors)
    job = api.import_jobs.add("job-1", ImportJob(input_blob_uri=cloud.blob("in.ndjson", file),
                                                 output_blob_uri=cloud.blob("out.ndjson")))
    equal((job.id, job.status), ("job-1", "notstarted"), "a new job")
    job = ended(api, "job-1")
    equal((job.status, job.error), ("succeeded", None), "the import")
    assert job.finished_date_time and job.purge_date_time > job.finished_date_time >= job.created_date_time
    log = [json.loads(line) for line in cloud.blobs["/blobs/out.ndjson"].splitlines()]
    equal((log[0]["details"], log[-1]["details"]), ({"status": "Started"}, {"status": "Succeeded"}), "the log")
    equal(client.get_digital_twin("hall-2499")["temperature"], 2499.0, "an imported twin")
    (count,) = client.query_twins("SELECT COUNT() FROM RELATIONSHIPS")
    equal(count["COUNT"], 2499, "imported relationships")

    broken = lines(*header, {"Section": "Twins"}, {**room(1.0), "$dtId": "extra"}, {"$dtId": "no-model"},
                   {**room(2.0), "$dtId": "bad", "temperature": "warm"})
    api.import_jobs.add("job-2", ImportJob(input_blob_uri=cloud.blob("b", broken), output_blob_uri=cloud.blob("o")))
    job = ended(api, "job-2")
    equal((job.status, job.error.code), ("failed", "ValidationFailed"), "an import with bad entries")
    errors = [json.loads(line)["details"] for line in cloud.blobs["/blobs/o"].splitlines() if b'"Error"' in line]
    equal([(error["line"], error["section"]) for error in errors], [(5, "Twins"), (6, "Twins")], "bad entries")
    assert client.get_digital_twin("extra"), "the good entry was taken"

    never = f"{cloud.url}/blobs/never"
    api.import_jobs.add("job-3", ImportJob(input_blob_uri=never, output_blob_uri=cloud.blob("o3")))
    wait(lambda: api.import_jobs.get_by_id("job-3").status == "running", "the import runs")
    refused(HttpResponseError, 400, "ValidationFailed", lambda: api.import_jobs.delete("job-3"))
    assert api.import_jobs.cancel("job-3").status in ("cancelling", "cancelled")
    equal(ended(api, "job-3").status, "cancelled", "a cancelled import")
    equal({job.id for job in api.import_jobs.list()}, {"job-1", "job-2", "job-3"}, "jobs")
    api.import_jobs.delete("job-3")
    refused(ResourceNotFoundError, 404, "ImportJobNotFound", lambda: api.import_jobs.get_by_id("job-3"))

    wiped = api.delete_jobs.begin_add().result(timeout=60)
    equal(wiped.status, "succeeded", "the deletion")
    equal(counted(client), 0, "nothing is left")
    refused(ResourceNotFoundError, 404, "ModelNotFound", lambda: client.get_model(ROOM["@id"]))
    equal([job.id for job in api.delete_jobs.list()], [wiped.id], "deletions")
    equal(api.delete_jobs.get_by_id(wiped.id).status, "succeeded", "by id")


async def restart(server: AzureServer) -> None:
    """An import that a kill interrupts goes on where it was, and takes each entry once."""
    await asyncio.to_thread(restart_story, server, server.cloud)


def restart_story(server: AzureServer, cloud: Cloud) -> None:
    credential = DefaultAzureCredential()
    api = AzureDigitalTwinsAPI(credential, base_url=server.secure, polling_interval=1)
    client = DigitalTwinsClient(server.secure, credential)
    count = 60_000
    twins = ({**room(float(n)), "$dtId": f"many-{n}"} for n in range(count))
    file = lines({"Section": "Header"}, {"fileVersion": "1.0.0"}, {"Section": "Models"}, ROOM, THERMOSTAT,
                 {"Section": "Twins"}, *twins)
    job = ImportJob(input_blob_uri=cloud.blob("many", file), output_blob_uri=cloud.blob("many-out"))
    api.import_jobs.add("many", job)
    some = lambda: 0 < counted(client) < count
    wait(some, "a part of the import")
    server.kill()
    server.start()
    equal(ended(api, "many").status, "succeeded", "the import after a kill")
    equal(counted(client), count, "twins")
    log = [json.loads(line)["details"].get("status") for line in cloud.blobs["/blobs/many-out"].splitlines()]
    equal((log[0], log[-1], log.count("Succeeded")), ("Started", "Succeeded", 1), "the log")
    equal(api.delete_jobs.begin_add().result(timeout=120).status, "succeeded", "the deletion")
    equal(counted(client), 0, "twins")


def counted(client: DigitalTwinsClient) -> int:
    (row,) = client.query_twins("SELECT COUNT() FROM DIGITALTWINS")
    return row["COUNT"]


def ended(api: AzureDigitalTwinsAPI, job: str) -> ImportJob:
    wait(lambda: api.import_jobs.get_by_id(job).finished_date_time, f"the end of {job}")
    return api.import_jobs.get_by_id(job)


def wait(check: Callable[[], Any], what: str) -> None:
    asyncio.run(until(check, what, within_s=60, every_s=0.2))


# --- the published samples


async def samples(server: AzureServer, folder: Path) -> None:
    ids = {"<DIGITAL_TWIN_ID>": "BuildingTwin", "<DIGITAL TWIN ID>": "BuildingTwin", "<MODEL_ID>": SAMPLE["@id"],
           "<COMPONENT_NAME>": "part", "<RELATIONSHIP_ID>": "door", "<EVENT_ROUTE_ID>": "none"}
    await asyncio.to_thread(seed, server)
    failed = []
    for sample in sorted(folder.rglob("dt_*.py")):
        text = sample.read_text()
        for placeholder, value in ids.items():
            text = text.replace(placeholder, value)
        # whether they print what they found, and no error
        expected = EXPECTED.get(sample.name, None)
        copy = sample.with_name(f"run_{sample.name}")
        copy.write_text(text)
        done = await asyncio.to_thread(subprocess.run, [sys.executable, copy.name], cwd=copy.parent, text=True,
                                       capture_output=True, timeout=90)
        output = done.stdout + done.stderr
        problem = None
        if expected is None:
            problem = "it is not known what it should print"
        elif isinstance(expected, Refusal):
            if CAUGHT not in output or f"({expected.code})" not in output:
                problem = f"it should have been refused with {expected.code}"
        elif CAUGHT in output or done.returncode != 0:
            problem = "it caught an error"
        elif not re.search(expected, output, re.DOTALL):
            problem = f"it did not print {expected}"
        if problem:
            failed.append(f"{sample.name}: {problem}:\n{output[-1500:]}")
    if failed:
        raise AssertionError("\n".join(failed))
    print(f"   {len(EXPECTED)} samples print what they should")


class Refusal:
    """A sample that must be told that something is not there."""

    def __init__(self, code: str) -> None:
        self.code = code


EXPECTED: dict[str, Any] = {
    "dt_component_lifecycle.py": r"Created Models:.*Created Digital Twin:.*value1.*Get Component:.*value2",
    "dt_create_digitaltwins_service_client.py": r"DigitalTwinsClient",
    "dt_create_digitaltwins_service_client_async.py": r"",
    "dt_digitaltwins_get.py": r"'\$dtId': 'BuildingTwin'",
    "dt_digitaltwins_get_async.py": r"'\$dtId': 'BuildingTwin'",
    "dt_digitaltwins_lifecycle.py": r"Created Model:.*Created Digital Twin:.*Get Digital Twin:.*Updated Digital Twin:",
    "dt_digitaltwins_query.py": r"DigitalTwins:.*'\$dtId': 'BuildingTwin'",
    "dt_event_routes_get.py": Refusal("EventRouteNotFound"),
    "dt_event_routes_list.py": r"",
    "dt_incoming_relationships_list.py": r"'relationship_id': 'door'",
    "dt_models_get.py": r"'id': 'dtmi:samples:Sample;1'",
    "dt_models_lifecycle.py": r"Created Models:",
    "dt_models_list.py": r"'id': 'dtmi:samples:Sample;1'.*'id': 'dtmi:voltwin:Vehicle;1'",
    "dt_publish_component_telemetry.py": r"",
    "dt_publish_telemetry.py": r"",
    "dt_relationships_get.py": r"Relationship:.*'\$relationshipName': 'opensTo'",
    "dt_relationships_list.py": r"'\$relationshipName': 'opensTo'",
    # it lives a whole life up to its route, whose endpoint is a part of Azure
    "dt_scenario.py": Refusal("EventRouteEndpointInvalid"),
}

PART = {
    "@id": "dtmi:samples:Part;1", "@type": "Interface", "@context": CONTEXT,
    "contents": [{"@type": "Telemetry", "name": "Telemetry1", "schema": "integer"}],
}
SAMPLE = {
    "@id": "dtmi:samples:Sample;1", "@type": "Interface", "@context": CONTEXT, "displayName": "Sample",
    "contents": [{"@type": "Telemetry", "name": "Telemetry1", "schema": "integer"},
                 {"@type": "Component", "name": "part", "schema": PART["@id"]},
                 {"@type": "Relationship", "name": "opensTo"}],
}


def seed(server: AzureServer) -> None:
    client = DigitalTwinsClient(server.secure, DefaultAzureCredential())
    client.create_models([SAMPLE, PART])
    for twin in ("BuildingTwin", "RoomTwin"):
        client.upsert_digital_twin(twin, {"$metadata": {"$model": SAMPLE["@id"]}, "part": {"$metadata": {}}})
    for source, target in (("BuildingTwin", "RoomTwin"), ("RoomTwin", "BuildingTwin")):
        client.upsert_relationship(source, "door", {"$relationshipName": "opensTo", "$targetId": target})


def fetch_samples(python: str, folder: Path) -> Path:
    """The source package, which holds the samples."""
    command = [python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:",
               SDK, "--dest", str(folder)]
    subprocess.run(command, check=True, timeout=300)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (samples_folder,) = folder.glob("*/samples")
    return samples_folder


# --- the client from npm


async def node(server: AzureServer, modules: Path) -> None:
    script = Path(__file__).with_name("node") / "azure_sdk.mjs"
    process = await asyncio.create_subprocess_exec(
        "node", str(script), str(modules), server.secure, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await asyncio.wait_for(process.communicate(), 80)
    if process.returncode != 0:
        raise AssertionError(f"node ended with {process.returncode}: {err.decode()[-2000:]}\n{out.decode()[-500:]}")
    equal(out.decode().split()[-1], "passed", "what the script says")


# --- tokens


async def tokens(server: AzureServer) -> None:
    cloud = server.cloud
    good = "/digitaltwins/nobody"
    equal(call(server, good, cloud.token()), (404, "DigitalTwinNotFound"), "an owner")
    equal(call(server, good, cloud.token(roles=[READER])), (404, "DigitalTwinNotFound"), "a reader reads")
    equal(call(server, "/models", cloud.token(roles=[READER]), "POST", [ROOM]), (403, "AuthorizationFailed"), "a reader")
    equal(call(server, good, cloud.token(roles=[])), (403, "AuthorizationFailed"), "without a role")
    server.admin("instance", "role", "principal", "reader", "--tenant", TENANT)
    equal(call(server, good, cloud.token(roles=[])), (404, "DigitalTwinNotFound"), "with an assigned role")
    server.admin("instance", "role", "principal", "none", "--tenant", TENANT)

    now = int(time.time())
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    unsigned = ".".join([*cloud.token().split(".")[:2], ""])
    for what, token in {
        "expired": cloud.token(exp=now - 3600), "not yet": cloud.token(nbf=now + 3600),
        "another audience": cloud.token(aud="https://management.azure.com"), "no audience": cloud.token(aud=None),
        "another issuer": cloud.token(iss="https://login.example/x"), "a forged signature": cloud.token(key=other),
        "an unknown key": cloud.token(kid="k2"), "RS512": cloud.token(algorithm="RS512"),
        "a shared secret": cloud.token(key="k" * 64, algorithm="HS256"),
        "no algorithm": cloud.token(key="", algorithm="none"), "no signature": unsigned, "no token": "x.y.z",
    }.items():
        equal(call(server, good, token), (401, "AuthenticationFailed"), what)
    equal(call(server, good, None), (401, "AuthenticationFailed"), "nothing shown")

    # another's instance is not there
    server.admin("tenant", "add", "other")
    equal(call(server, f"/t/{TENANT}{good}", cloud.token()), (404, "DigitalTwinNotFound"), "an instance by its path")
    for path in (f"/t/other{good}", f"/t/nobody{good}", f"/t/No%20Name{good}"):
        equal(call(server, path, cloud.token()), (404, "SubDomainNotFound"), path)
    by_host = call(server, good, cloud.token(), host=f"{TENANT}.twins.example")
    equal(by_host, (404, "DigitalTwinNotFound"), "an instance by its host")
    equal(call(server, good, cloud.token(), host="other.twins.example"), (404, "SubDomainNotFound"), "another host")
    server.admin("instance", "directory", "add", DIRECTORY, "--tenant", "other")
    equal(call(server, good, cloud.token()), (404, "SubDomainNotFound"), "one of two must be named")
    equal(call(server, f"/t/other{good}", cloud.token()), (404, "DigitalTwinNotFound"), "the other one by name")
    server.admin("instance", "directory", "remove", DIRECTORY, "--tenant", "other")
    equal(call(server, good, server.keys["admin"]), (404, "DigitalTwinNotFound"), "a key of ours")
    equal(call(server, f"/t/other{good}", server.keys["admin"]), (404, "SubDomainNotFound"), "a key elsewhere")


def call(server: AzureServer, path: str, token: str | None, method: str = "GET", body: Any = None,
         host: str | None = None) -> tuple[int, str | None]:
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if host:
        headers["Host"] = host
    data = None if body is None else json.dumps(body).encode()
    url = f"{server.secure}{path}?api-version={VERSION}"
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    context = ssl.create_default_context(cafile=str(server.data / "ca" / "ca.pem"))
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as response:
            return response.status, None
    except urllib.error.HTTPError as error:
        code = error.headers.get("x-ms-error-code")
        equal(json.loads(error.read())["error"]["code"], code, "code in the body")
        return error.code, code


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--modules", type=Path, required=True, help="the folder `node_modules` with the client from npm")
    given = parser.parse_args()
    report, cloud = Report(), Cloud()
    stories: list[tuple[str, Callable[[AzureServer], Awaitable[None]]]] = [
        ("the client for Python", python_sync), ("the client for Python, async", python_async),
        ("the client for JavaScript", lambda server: node(server, given.modules)),
        ("event routes", event_routes), ("jobs", jobs), ("an import over a kill", restart), ("tokens and instances", tokens),
    ]
    with AzureServer(checked(given.voltwin), cloud) as server:
        server.prepare()
        server.start()
        folder = server.folder / "sdk"
        folder.mkdir()
        found = await asyncio.to_thread(fetch_samples, sys.executable, folder)
        # from here on this process believes the authority of the server, and no other
        export(cloud.environment(server))
        for name, story in stories:
            cloud.role = OWNER
            await report.run(name, lambda story=story: story(server), server, within_s=150)
        await report.run("the published samples", lambda: samples(server, found), server, within_s=600)
        cloud.close()
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
