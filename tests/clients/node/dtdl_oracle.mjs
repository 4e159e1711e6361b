// The official DTDL parser, as npm `@digicatapult/dtdl-parser` runs it, judging one model a line.
//
// In: {"id", "text"}. Out: {"id", "valid", "rules": [names], "missing": [DTMIs]}; `rules` is null where the parser broke
// down instead of saying what is wrong. The first argument is the folder of the package.

import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

const entry = path.join(process.argv[2], "@digicatapult/dtdl-parser/build/index.js");
const { getInterop } = await import(pathToFileURL(entry).href);
const parser = await getInterop();

function judged(text) {
  try {
    parser.parse(text);
    return { valid: true, rules: [], missing: [] };
  } catch (error) {
    let told;
    try {
      told = JSON.parse(error.message);
    } catch {
      return { valid: false, rules: null, missing: [] };
    }
    const rules = new Set((told.Errors ?? []).map((one) => one.ValidationID.split(":").pop()));
    return { valid: false, rules: [...rules].sort(), missing: told.UndefinedIdentifiers ?? [] };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { id, text } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify({ id, ...judged(text) })}\n`);
}
// the runtime inside the package would keep the process for seconds
process.stdout.write("", () => process.exit(0));
