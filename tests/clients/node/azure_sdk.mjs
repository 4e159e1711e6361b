// The life of models, twins, components and relationships by npm @azure/digital-twins-core.
// node azure_sdk.mjs NODE_MODULES URL

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [modules, url] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "x.js"));
const { DigitalTwinsClient } = require("@azure/digital-twins-core");
const { DefaultAzureCredential } = require("@azure/identity");

const context = "dtmi:dtdl:context;2";
const pump = {
  "@id": "dtmi:node:Pump;1",
  "@type": "Interface",
  "@context": context,
  displayName: "Pump",
  contents: [
    { "@type": "Property", name: "flow", schema: "double" },
    { "@type": "Telemetry", name: "hum", schema: "double" },
    { "@type": "Component", name: "motor", schema: "dtmi:node:Motor;1" },
    { "@type": "Relationship", name: "feeds", target: "dtmi:node:Pump;1" },
  ],
};
const motor = {
  "@id": "dtmi:node:Motor;1",
  "@type": "Interface",
  "@context": context,
  displayName: "Motor",
  contents: [{ "@type": "Property", name: "speed", schema: "integer" }],
};

async function refused(status, code, call) {
  await assert.rejects(call, (error) => {
    assert.equal(error.statusCode, status);
    assert.equal(error.code ?? error.details?.error?.code, code);
    return true;
  });
}

async function all(pages) {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
}

const client = new DigitalTwinsClient(url, new DefaultAzureCredential());
const models = await client.createModels([motor, pump]);
assert.deepEqual(models.map((model) => model.id).sort(), [motor["@id"], pump["@id"]].sort());
assert.ok((await all(client.listModels())).length >= 2);

for (const n of [1, 2, 3, 4, 5]) {
  const twin = { $metadata: { $model: pump["@id"] }, flow: n / 2, motor: { $metadata: {}, speed: n } };
  const { body } = await client.upsertDigitalTwin(`pump-${n}`, JSON.stringify(twin));
  assert.equal((typeof body === "string" ? JSON.parse(body) : body).flow, n / 2);
}
const { etag } = await client.getDigitalTwin("pump-1");
const patch = [{ op: "replace", path: "/flow", value: 9.5 }];
await client.updateDigitalTwin("pump-1", patch, { ifMatch: etag });
await refused(412, "PreconditionFailed", () => client.updateDigitalTwin("pump-1", patch, { ifMatch: etag }));
assert.equal((await client.getDigitalTwin("pump-1")).body.flow, 9.5);
await client.updateComponent("pump-1", "motor", [{ op: "replace", path: "/speed", value: 77 }]);
assert.equal((await client.getComponent("pump-1", "motor")).body.speed, 77);
await client.publishTelemetry("pump-1", { hum: 1.5 }, "message-1");

for (const n of [2, 3, 4, 5]) {
  const pipe = { $relationshipId: `pipe-${n}`, $sourceId: "pump-1", $relationshipName: "feeds", $targetId: `pump-${n}` };
  await client.upsertRelationship("pump-1", `pipe-${n}`, pipe);
}
assert.equal((await all(client.listRelationships("pump-1"))).length, 4);
assert.equal((await all(client.listIncomingRelationships("pump-2")))[0].sourceId, "pump-1");
const query = "SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:node:Pump;1')";
assert.equal((await all(client.queryTwins(query, 2))).length, 5);
await refused(400, "SqlQueryError", () => all(client.queryTwins("SELECT nothing")));

for (const n of [2, 3, 4, 5]) await client.deleteRelationship("pump-1", `pipe-${n}`);
for (const n of [1, 2, 3, 4, 5]) await client.deleteDigitalTwin(`pump-${n}`);
await client.decomissionModel(pump["@id"]);
await client.deleteModel(pump["@id"]);
await client.deleteModel(motor["@id"]);
await refused(404, "ModelNotFound", () => client.getModel(pump["@id"]));
console.log("passed");
