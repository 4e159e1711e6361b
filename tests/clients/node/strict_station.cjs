// A station on npm `ocpp-rpc` in strict mode, which holds every message of both sides to its own copy of the schemas.
//
// One JSON line on standard input says what to do: {endpoint, identity, password, protocol, calls: [[action, payload]],
// answers: {action: payload}}. A `$transaction` in a payload is the transaction id of the last answer that had one. Each
// thing that happens is a JSON line on standard output; `idle` follows the last call. The station stays connected, and
// answers, until standard input ends.

const readline = require("node:readline");
const { RPCClient, createValidator } = require("ocpp-rpc");
const schemas = {
  "ocpp1.6": require("ocpp-rpc/lib/schemas/ocpp1_6.json"),
  "ocpp2.0.1": require("ocpp-rpc/lib/schemas/ocpp2_0_1.json"),
  "ocpp2.1": require("ocpp-rpc/lib/schemas/ocpp2_1.json"),
};

// The client looks for `urn:Heartbeat.req`; its schemas of 2.1 are named `urn:HeartbeatRequest`.
schemas["ocpp2.1"] = schemas["ocpp2.1"].map((schema) => ({
  ...schema,
  $id: schema.$id.replace(/Request$/, ".req").replace(/Response$/, ".conf"),
}));

const tell = (event, more) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);

async function live(plan) {
  const known = new Set(schemas[plan.protocol].map((schema) => schema.$id));
  const client = new RPCClient({
    endpoint: plan.endpoint,
    identity: plan.identity,
    password: plan.password,
    protocols: [plan.protocol],
    strictMode: true,
    strictModeValidators: [createValidator("ocpp2.1", schemas["ocpp2.1"])],
    reconnect: false,
    callTimeoutMs: 30_000,
  });
  client.on("strictValidationFailure", ({ method, outbound, isCall, error }) =>
    tell("invalid", { action: method, outbound, call: isCall, detail: error.message }),
  );
  client.on("badMessage", ({ error }) => tell("bad", { detail: String(error) }));
  client.on("close", ({ code, reason }) => tell("closed", { code, reason: String(reason) }));
  client.handle(({ method }) => {
    tell("asked", { action: method });
    return plan.answers[method];
  });
  await client.connect();
  tell("connected", { protocol: client.protocol });
  let transaction;
  for (const [action, told] of plan.calls) {
    const payload = JSON.parse(JSON.stringify(told), (_, value) => (value === "$transaction" ? transaction : value));
    if (!known.has(`urn:${action}.req`)) {
      tell("unknown", { action });
      continue;
    }
    try {
      const answer = await client.call(action, payload);
      transaction = answer.transactionId ?? transaction;
      tell("answered", { action, answer });
    } catch (error) {
      tell("refused", { action, code: error.rpcErrorCode ?? error.constructor.name, detail: error.message });
    }
  }
  tell("idle", {});
  return client;
}

async function main() {
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const client = await live(JSON.parse((await lines.next()).value));
  await lines.next();
  await client.close();
}

main().catch((error) => {
  tell("failed", { detail: String(error.stack) });
  process.exitCode = 1;
});
