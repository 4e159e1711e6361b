"""Every error of the data plane of Azure Digital Twins, provoked once: status, code in the body, code in the header.

The table is that of Azure's published description of the operations. What it lists and this file does not provoke fails the run.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.error
import urllib.request
from typing import Any

from azure_cloud import AzureServer, Cloud, lines
from harness import Api, Report, arguments, checked, equal, until

CONTEXT = "dtmi:dtdl:context;2"
STRICT = "strict"

# operation: the codes that Azure's description lists for it, with their statuses
TABLE = {
    "models.add": {"DTDLParserError": 400, "InvalidArgument": 400, "LimitExceeded": 400, "ModelVersionNotSupported": 400,
                   "ModelAlreadyExists": 409},
    "models.list": {"InvalidArgument": 400, "LimitExceeded": 400, "ModelNotFound": 404},
    "models.get": {"InvalidArgument": 400, "ModelNotFound": 404},
    "models.update": {"InvalidArgument": 400, "JsonPatchInvalid": 400, "ModelNotFound": 404,
                      "ModelReferencesNotDecommissioned": 409},
    "models.delete": {"InvalidArgument": 400, "ModelNotFound": 404, "ModelReferencesNotDeleted": 409},
    "twins.get": {"InvalidArgument": 400, "DigitalTwinNotFound": 404},
    "twins.put": {"InvalidArgument": 400, "ModelDecommissioned": 400, "ValidationFailed": 400, "PreconditionFailed": 412},
    "twins.patch": {"InvalidArgument": 400, "JsonPatchInvalid": 400, "ValidationFailed": 400, "DigitalTwinNotFound": 404,
                    "PreconditionFailed": 412},
    "twins.delete": {"InvalidArgument": 400, "RelationshipsNotDeleted": 400, "DigitalTwinNotFound": 404,
                     "PreconditionFailed": 412},
    "components.get": {"InvalidArgument": 400, "DigitalTwinNotFound": 404, "ComponentNotFound": 404},
    "components.patch": {"InvalidArgument": 400, "JsonPatchInvalid": 400, "ValidationFailed": 400,
                         "DigitalTwinNotFound": 404, "PreconditionFailed": 412},
    "relationships.get": {"InvalidArgument": 400, "DigitalTwinNotFound": 404, "RelationshipNotFound": 404},
    "relationships.put": {"InvalidArgument": 400, "InvalidRelationship": 400, "OperationNotAllowed": 400,
                          "ValidationFailed": 400, "DigitalTwinNotFound": 404, "TargetTwinNotFound": 404,
                          "RelationshipAlreadyExists": 409, "PreconditionFailed": 412},
    "relationships.patch": {"InvalidArgument": 400, "JsonPatchInvalid": 400, "ValidationFailed": 400,
                            "DigitalTwinNotFound": 404, "RelationshipNotFound": 404, "PreconditionFailed": 412},
    "relationships.delete": {"InvalidArgument": 400, "DigitalTwinNotFound": 404, "RelationshipNotFound": 404,
                             "PreconditionFailed": 412},
    "relationships.list": {"InvalidArgument": 400, "DigitalTwinNotFound": 404},
    "relationships.incoming": {"InvalidArgument": 400, "DigitalTwinNotFound": 404},
    "telemetry.twin": {"InvalidArgument": 400, "ValidationFailed": 400, "DigitalTwinNotFound": 404},
    "telemetry.component": {"InvalidArgument": 400, "ValidationFailed": 400, "DigitalTwinNotFound": 404,
                            "ComponentNotFound": 404},
    "query": {"BadRequest": 400, "SqlQueryError": 400, "TimeoutError": 400, "QuotaReachedError": 429},
    "routes.get": {"EventRouteNotFound": 404},
    "routes.put": {"EventRouteEndpointInvalid": 400, "EventRouteFilterInvalid": 400, "EventRouteIdInvalid": 400,
                   "LimitExceeded": 400},
    "routes.delete": {"EventRouteNotFound": 404},
    "imports.add": {"JobLimitReached": 400, "ValidationFailed": 400},
    "imports.get": {"ImportJobNotFound": 404},
    "imports.delete": {"ValidationFailed": 400},
    "imports.cancel": {"ValidationFailed": 400},
    "deletions.add": {"ValidationFailed": 400},
    "deletions.get": {"DeleteJobNotFound": 404},
    "any": {"AuthenticationFailed": 401, "AuthorizationFailed": 403, "SubDomainNotFound": 404,
            "MissingApiVersionParameter": 400, "UnsupportedApiVersionValue": 400, "MethodNotAllowed": 405, "NotFound": 404,
            "RequestBodyTooLarge": 413, "UnsupportedMediaType": 415, "TooManyRequests": 429},
}


def interface(name: str, *contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"@id": f"dtmi:err:{name};1", "@type": "Interface", "@context": CONTEXT, "contents": list(contents), **more}


PART = interface("Part", {"@type": "Property", "name": "size", "schema": "integer"},
                 {"@type": "Telemetry", "name": "beat", "schema": "integer"})
THING = interface("Thing", {"@type": "Property", "name": "size", "schema": "double"},
                  {"@type": "Telemetry", "name": "heat", "schema": "double"},
                  {"@type": "Component", "name": "part", "schema": "dtmi:err:Part;1"},
                  {"@type": "Relationship", "name": "holds", "target": "dtmi:err:Thing;1",
                   "properties": [{"@type": "Property", "name": "tight", "schema": "boolean"}]})
OLD = interface("Old")


class Plane:
    """The data plane by bare HTTP, which counts what was refused."""

    def __init__(self, server: AzureServer) -> None:
        self.server = server
        self.seen: dict[str, dict[str, int]] = {}

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, key: str | None = "admin",
            version: str | None = "2023-10-31") -> tuple[int, Any, Any]:
        address = f"{self.server.url}{path}"
        if version is not None:
            address += ("&" if "?" in path else "?") + f"api-version={version}"
        said = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        if key:
            said["Authorization"] = f"Bearer {self.server.keys[key]}"
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data=data, method=method, headers=said)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or "null"), response.headers
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or "null"), error.headers

    def ok(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **more: Any) -> Any:
        status, answer, _ = self.ask(method, path, body, headers, **more)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer

    def refused(self, operation: str, code: str, method: str, path: str, body: Any = None,
                headers: dict[str, str] | None = None, **more: Any) -> Any:
        status, answer, found = self.ask(method, path, body, headers, **more)
        what = f"{operation} {code}: {method} {path}"
        error = (answer or {}).get("error", {})
        equal((status, error.get("code"), found.get("x-ms-error-code")), (TABLE[operation][code], code, code),
              f"{what} ({error.get('message')})")
        assert error.get("message"), f"{what}: it says nothing"
        assert found.get("x-ms-request-id"), f"{what}: no request id"
        self.seen.setdefault(operation, {})[code] = status
        return found


FILES = {"settings": {"target": {"kind": "file"}}}


def prepare(plane: Plane) -> None:
    plane.ok("POST", "/models", [THING, PART, OLD])
    plane.ok("PATCH", "/models/dtmi:err:Old;1", [{"op": "replace", "path": "/decommissioned", "value": True}])
    for name in ("a", "b"):
        plane.ok("PUT", f"/digitaltwins/{name}", twin())
    plane.ok("PUT", "/digitaltwins/a/relationships/r", {"$relationshipName": "holds", "$targetId": "b"})


def twin(**properties: Any) -> dict[str, Any]:
    return {"$metadata": {"$model": THING["@id"]}, "part": {"$metadata": {}}, **properties}


BAD = "/digitaltwins/no%20id"


async def models(plane: Plane) -> None:
    refused = plane.refused
    refused("models.add", "DTDLParserError", "POST", "/models", [{"@id": "dtmi:err:X;1", "@type": "Interface"}])
    for body in ([], {}, "", "[1]", "{"):
        refused("models.add", "InvalidArgument", "POST", "/models", body)
    refused("models.add", "ModelAlreadyExists", "POST", "/models", [PART])
    refused("models.add", "ModelVersionNotSupported", "POST", "/models", [{**PART, "@context": "dtmi:dtdl:context;1"}])
    many = [interface(f"N{n}") for n in range(251)]
    refused("models.add", "LimitExceeded", "POST", "/models", many, key=f"{STRICT}/admin")
    refused("models.list", "InvalidArgument", "GET", "/models?includeModelDefinition=maybe")
    refused("models.list", "InvalidArgument", "GET", "/models", None, {"max-items-per-page": "0"})
    refused("models.list", "ModelNotFound", "GET", "/models?dependenciesFor=dtmi:err:Nothing;1")
    asked = "&".join(f"dependenciesFor=dtmi:err:N{n};1" for n in range(101))
    refused("models.list", "LimitExceeded", "GET", f"/models?{asked}")
    refused("models.get", "InvalidArgument", "GET", "/models/x")
    refused("models.get", "ModelNotFound", "GET", "/models/dtmi:err:Nothing;1")
    turn = [{"op": "replace", "path": "/decommissioned", "value": True}]
    refused("models.update", "InvalidArgument", "PATCH", "/models/x", turn)
    refused("models.update", "ModelNotFound", "PATCH", "/models/dtmi:err:Nothing;1", turn)
    refused("models.update", "JsonPatchInvalid", "PATCH", "/models/dtmi:err:Part;1", [{"op": "remove", "path": "/x"}])
    refused("models.update", "ModelReferencesNotDecommissioned", "PATCH", "/models/dtmi:err:Part;1", turn)
    refused("models.delete", "InvalidArgument", "DELETE", "/models/x")
    refused("models.delete", "ModelNotFound", "DELETE", "/models/dtmi:err:Nothing;1")
    refused("models.delete", "ModelReferencesNotDeleted", "DELETE", "/models/dtmi:err:Part;1")


async def twins(plane: Plane) -> None:
    refused, stale = plane.refused, {"If-Match": 'W/"0"'}
    refused("twins.get", "InvalidArgument", "GET", BAD)
    refused("twins.get", "DigitalTwinNotFound", "GET", "/digitaltwins/nobody")
    for body in ("", "[]", "{}", {"$metadata": {}}, {"$metadata": {"$model": 7}}):
        refused("twins.put", "InvalidArgument", "PUT", "/digitaltwins/c", body)
    refused("twins.put", "InvalidArgument", "PUT", BAD, twin())
    refused("twins.put", "InvalidArgument", "PUT", "/digitaltwins/c", twin(), {"If-None-Match": '"x"'})
    refused("twins.put", "ValidationFailed", "PUT", "/digitaltwins/c", {"$metadata": {"$model": "dtmi:err:Nothing;1"}})
    refused("twins.put", "ValidationFailed", "PUT", "/digitaltwins/c", twin(size="large"))
    refused("twins.put", "ValidationFailed", "PUT", "/digitaltwins/c", twin(weight=1))
    refused("twins.put", "ModelDecommissioned", "PUT", "/digitaltwins/c", {"$metadata": {"$model": OLD["@id"]}})
    refused("twins.put", "PreconditionFailed", "PUT", "/digitaltwins/a", twin(), {"If-None-Match": "*"})
    grow = [{"op": "add", "path": "/size", "value": 2}]
    refused("twins.patch", "InvalidArgument", "PATCH", BAD, grow)
    refused("twins.patch", "InvalidArgument", "PATCH", "/digitaltwins/a", grow, {"If-Match": "foo"})
    for patch in ("", "{}", [{"op": "move", "from": "/size", "path": "/weight"}], [{"op": "add"}],
                  [{"op": "remove", "path": "/size"}], [{"op": "replace", "path": "size", "value": 1}]):
        refused("twins.patch", "JsonPatchInvalid", "PATCH", "/digitaltwins/b", patch)
    refused("twins.patch", "ValidationFailed", "PATCH", "/digitaltwins/a", [{"op": "add", "path": "/size", "value": "x"}])
    refused("twins.patch", "DigitalTwinNotFound", "PATCH", "/digitaltwins/nobody", grow)
    refused("twins.patch", "PreconditionFailed", "PATCH", "/digitaltwins/a", grow, stale)
    refused("twins.delete", "InvalidArgument", "DELETE", BAD)
    refused("twins.delete", "DigitalTwinNotFound", "DELETE", "/digitaltwins/nobody")
    for name in ("a", "b"):
        refused("twins.delete", "RelationshipsNotDeleted", "DELETE", f"/digitaltwins/{name}")
    plane.ok("PUT", "/digitaltwins/alone", twin())
    refused("twins.delete", "PreconditionFailed", "DELETE", "/digitaltwins/alone", None, stale)

    path = "/digitaltwins/a/components/part"
    refused("components.get", "InvalidArgument", "GET", f"{BAD}/components/part")
    refused("components.get", "DigitalTwinNotFound", "GET", "/digitaltwins/nobody/components/part")
    refused("components.get", "ComponentNotFound", "GET", "/digitaltwins/a/components/other")
    refused("components.patch", "InvalidArgument", "PATCH", f"{BAD}/components/part", grow)
    refused("components.patch", "DigitalTwinNotFound", "PATCH", "/digitaltwins/nobody/components/part", grow)
    refused("components.patch", "JsonPatchInvalid", "PATCH", path, [{"op": "copy", "from": "/size", "path": "/size"}])
    refused("components.patch", "ValidationFailed", "PATCH", path, [{"op": "add", "path": "/size", "value": 1.5}])
    refused("components.patch", "PreconditionFailed", "PATCH", path, grow, stale)

    heard = {"Message-Id": "m"}
    for operation, of in (("telemetry.twin", ""), ("telemetry.component", "/components/part")):
        payload = {"heat": 1.5} if not of else {"beat": 2}
        refused(operation, "InvalidArgument", "POST", f"/digitaltwins/a{of}/telemetry", payload)
        when = {**heard, "Telemetry-Source-Time": "yesterday"}
        refused(operation, "InvalidArgument", "POST", f"/digitaltwins/a{of}/telemetry", payload, when)
        refused(operation, "ValidationFailed", "POST", f"/digitaltwins/a{of}/telemetry", {"other": 1}, heard)
        refused(operation, "DigitalTwinNotFound", "POST", f"/digitaltwins/nobody{of}/telemetry", payload, heard)
    refused("telemetry.component", "ComponentNotFound", "POST", "/digitaltwins/a/components/other/telemetry", {}, heard)


async def relationships(plane: Plane) -> None:
    refused, stale = plane.refused, {"If-Match": 'W/"0"'}
    path, holds = "/digitaltwins/a/relationships", {"$relationshipName": "holds", "$targetId": "b"}
    refused("relationships.get", "InvalidArgument", "GET", f"{path}/no%20id")
    refused("relationships.get", "DigitalTwinNotFound", "GET", "/digitaltwins/nobody/relationships/r")
    refused("relationships.get", "RelationshipNotFound", "GET", f"{path}/none")
    refused("relationships.put", "InvalidArgument", "PUT", f"{path}/no%20id", holds)
    for body in ("", "[]", {"$relationshipName": "holds"}):
        refused("relationships.put", "InvalidArgument", "PUT", f"{path}/s", body)
    refused("relationships.put", "InvalidRelationship", "PUT", f"{path}/s", {**holds, "$relationshipName": "eats"})
    refused("relationships.put", "OperationNotAllowed", "PUT", f"{path}/s", {**holds, "$targetId": "a"})
    refused("relationships.put", "ValidationFailed", "PUT", f"{path}/s", {**holds, "tight": "yes"})
    refused("relationships.put", "DigitalTwinNotFound", "PUT", "/digitaltwins/nobody/relationships/s", holds)
    refused("relationships.put", "TargetTwinNotFound", "PUT", f"{path}/s", {**holds, "$targetId": "nobody"})
    plane.ok("PUT", "/digitaltwins/third", twin())
    refused("relationships.put", "RelationshipAlreadyExists", "PUT", f"{path}/r", {**holds, "$targetId": "third"})
    refused("relationships.put", "PreconditionFailed", "PUT", f"{path}/r", holds, {"If-None-Match": "*"})
    tighten = [{"op": "add", "path": "/tight", "value": True}]
    refused("relationships.patch", "InvalidArgument", "PATCH", f"{path}/no%20id", tighten)
    refused("relationships.patch", "JsonPatchInvalid", "PATCH", f"{path}/r", [{"op": "test", "path": "/tight", "value": 1}])
    refused("relationships.patch", "ValidationFailed", "PATCH", f"{path}/r", [{"op": "add", "path": "/tight", "value": 1}])
    refused("relationships.patch", "DigitalTwinNotFound", "PATCH", "/digitaltwins/nobody/relationships/r", tighten)
    refused("relationships.patch", "RelationshipNotFound", "PATCH", f"{path}/none", tighten)
    refused("relationships.patch", "PreconditionFailed", "PATCH", f"{path}/r", tighten, stale)
    refused("relationships.delete", "InvalidArgument", "DELETE", f"{path}/no%20id")
    refused("relationships.delete", "DigitalTwinNotFound", "DELETE", "/digitaltwins/nobody/relationships/r")
    refused("relationships.delete", "RelationshipNotFound", "DELETE", f"{path}/none")
    refused("relationships.delete", "PreconditionFailed", "DELETE", f"{path}/r", None, stale)
    for operation, of in (("relationships.list", "relationships"), ("relationships.incoming", "incomingrelationships")):
        refused(operation, "InvalidArgument", "GET", f"{BAD}/{of}")
        refused(operation, "DigitalTwinNotFound", "GET", f"/digitaltwins/nobody/{of}")


async def queries_and_routes(plane: Plane) -> None:
    refused = plane.refused
    refused("query", "SqlQueryError", "POST", "/query", {"query": "SELECT * FROM"})
    refused("query", "BadRequest", "POST", "/query", {"continuationToken": "nonsense"})
    # more ways than a page may walk, none of which ends where it should
    plane.ok("PUT", "/jobs/uploads/many", many_twins(), {"Content-Type": "application/x-ndjson"})
    plane.ok("PUT", "/jobs/imports/many", {"inputBlobUri": "upload:many"})
    await until(lambda: plane.ok("GET", "/jobs/imports/many")["status"] == "succeeded", "the import", 60)
    ways = ("SELECT A FROM DIGITALTWINS MATCH (A)-[*..12]-(B) WHERE A.$dtId = 'w0' AND B.size = 77777.5")
    refused("query", "TimeoutError", "POST", "/query", {"query": ways})
    refused("routes.get", "EventRouteNotFound", "GET", "/eventroutes/none")
    refused("routes.delete", "EventRouteNotFound", "DELETE", "/eventroutes/none")
    route = {"endpointName": "nowhere", "filter": "true"}
    refused("routes.put", "EventRouteEndpointInvalid", "PUT", "/eventroutes/r", route)
    for key in ("admin", f"{STRICT}/admin"):
        Api(plane.server.url, plane.server.keys[key]).call("PUT", "/event-endpoints/files", FILES)
    route = {"endpointName": "files", "filter": "true"}
    refused("routes.put", "EventRouteFilterInvalid", "PUT", "/eventroutes/r", {**route, "filter": "type == 'x'"})
    refused("routes.put", "EventRouteIdInvalid", "PUT", "/eventroutes/no%20id", route)
    for n in range(6):
        plane.ok("PUT", f"/eventroutes/r{n}", route, key=f"{STRICT}/admin")
    refused("routes.put", "LimitExceeded", "PUT", "/eventroutes/r6", route, key=f"{STRICT}/admin")


def many_twins() -> str:
    """A graph in which every twin is tied to every other: 40 twins, and so more ways of 12 hops than anybody can walk."""
    names = [f"w{n}" for n in range(40)]
    ties = [{"$sourceId": one, "$relationshipId": f"to-{other}", "$relationshipName": "holds", "$targetId": other}
            for one in names for other in names if one != other]
    return lines({"Section": "Header"}, {"fileVersion": "1.0.0"}, {"Section": "Twins"},
                 *({**twin(size=1.0), "$dtId": name} for name in names), {"Section": "Relationships"}, *ties)


async def jobs(plane: Plane) -> None:
    refused, cloud = plane.refused, plane.server.cloud
    never = {"inputBlobUri": f"{cloud.url}/blobs/never", "outputBlobUri": cloud.blob("out")}
    for body in ("", {}, {"inputBlobUri": "ftp://x"}, {"inputBlobUri": "upload:nothing"}):
        refused("imports.add", "ValidationFailed", "PUT", "/jobs/imports/j", body)
    refused("imports.add", "ValidationFailed", "PUT", "/jobs/imports/no%2Fid", never)
    for n in range(10):
        plane.ok("PUT", f"/jobs/imports/j{n}", never)
    refused("imports.add", "JobLimitReached", "PUT", "/jobs/imports/j10", never)
    refused("imports.get", "ImportJobNotFound", "GET", "/jobs/imports/none")
    refused("imports.delete", "ValidationFailed", "DELETE", "/jobs/imports/j1")
    for n in range(10):
        plane.ok("POST", f"/jobs/imports/j{n}/cancel")
    ended = lambda: all(plane.ok("GET", f"/jobs/imports/j{n}")["status"] == "cancelled" for n in range(10))
    await until(ended, "the end of all imports", within_s=30)
    refused("imports.cancel", "ValidationFailed", "POST", "/jobs/imports/j1/cancel")
    refused("imports.add", "ValidationFailed", "PUT", "/jobs/imports/j1", never)
    plane.ok("POST", "/jobs/deletions", None, {"operation-id": "d1"}, key=f"{STRICT}/admin")
    again = {"operation-id": "d1"}
    done = lambda: plane.ok("GET", "/jobs/deletions/d1", key=f"{STRICT}/admin")["status"] == "succeeded"
    await until(done, "the deletion", within_s=30)
    refused("deletions.add", "ValidationFailed", "POST", "/jobs/deletions", None, again, key=f"{STRICT}/admin")
    refused("deletions.get", "DeleteJobNotFound", "GET", "/jobs/deletions/none")
    refused("deletions.get", "DeleteJobNotFound", "GET", "/jobs/delete/none")


async def anything(plane: Plane) -> None:
    refused = plane.refused
    refused("any", "AuthenticationFailed", "GET", "/models", key=None)
    refused("any", "AuthorizationFailed", "PUT", "/digitaltwins/c", twin(), key="viewer")
    refused("any", "SubDomainNotFound", "GET", f"/t/{STRICT}/models")
    refused("any", "MissingApiVersionParameter", "GET", "/models", version=None)
    refused("any", "UnsupportedApiVersionValue", "GET", "/models", version="2019-01-01")
    refused("any", "MethodNotAllowed", "PUT", "/query", {})
    refused("any", "NotFound", "GET", "/models/a/b/c")
    refused("any", "RequestBodyTooLarge", "PUT", "/digitaltwins/c", "x" * (1024 * 1024 + 1))
    refused("any", "RequestBodyTooLarge", "PUT", "/digitaltwins/c", "x" * (32 * 1024 + 1), key=f"{STRICT}/admin")
    refused("any", "UnsupportedMediaType", "PUT", "/digitaltwins/c", "<a/>", {"Content-Type": "text/xml"})


async def rates(plane: Plane) -> None:
    """A strict tenant may not do more than Azure lets it."""
    key = f"{STRICT}/admin"
    plane.ok("POST", "/models", [THING, PART], key=key)
    for _ in range(100):
        status, _, found = plane.ask("PUT", "/digitaltwins/hot", twin(), key=key)
        if status == 429:
            equal((found["x-ms-error-code"], found["Retry-After"]), ("TooManyRequests", "1"), "a refusal")
            plane.seen["any"]["TooManyRequests"] = status
            break
    refused = await flood(plane, key)
    assert b"x-ms-error-code: QuotaReachedError" in refused and b"retry-after: 1" in refused, refused
    plane.seen["query"]["QuotaReachedError"] = 429


async def flood(plane: Plane, key: str, connections: int = 8, each: int = 1_000) -> bytes:
    """The head of the first refusal of many requests that are sent at once."""
    one = (f"POST /query?api-version=2023-10-31 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {plane.server.keys[key]}\r\n"
           "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}").encode()

    async def connection() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.server.port)
        sending = asyncio.create_task(send(writer, one, each))
        try:
            for _ in range(each):
                head = (await reader.readuntil(b"\r\n\r\n")).lower().replace(b"quotareachederror", b"QuotaReachedError")
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                if head.startswith(b"http/1.1 429"):
                    return head
        finally:
            sending.cancel()
            writer.close()
        return b""

    heads = await asyncio.gather(*(connection() for _ in range(connections)))
    return next((head for head in heads if head), b"nothing was refused")


async def send(writer: asyncio.StreamWriter, request: bytes, count: int) -> None:
    for _ in range(count):
        writer.write(request)
        await writer.drain()


async def complete(plane: Plane) -> None:
    missing = {operation: sorted(set(codes) - set(plane.seen.get(operation, {}))) for operation, codes in TABLE.items()}
    equal({operation: codes for operation, codes in missing.items() if codes}, {}, "errors that nothing provoked")
    count = sum(len(codes) for codes in plane.seen.values())
    print(f"   {count} errors of {len(plane.seen)} operations")


async def main() -> int:
    given = arguments(__doc__).parse_args()
    report, cloud = Report(), Cloud()
    with AzureServer(checked(given.voltwin), cloud) as server:
        server.prepare()
        server.keys["viewer"] = server.add_key("viewer")
        server.seed("admin", tenant=STRICT)
        server.admin("instance", "dialect", "strict-adt", "--tenant", STRICT)
        server.start()
        plane = Plane(server)
        prepare(plane)
        for story in (models, twins, relationships, queries_and_routes, jobs, anything, rates, complete):
            await report.run(story.__name__.replace("_", " "), lambda story=story: story(plane), server, within_s=180)
        cloud.close()
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
