// Writes src/api/schema.generated.ts from docs/openapi.json: the schemas, which is all that the client types need.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
const ast = await openapiTS({ ...document, paths: {} });
writeFileSync(
  new URL('../src/api/schema.generated.ts', import.meta.url),
  `/* Written by \`npm run generate\` from docs/openapi.json; do not edit. */\n${astToString(ast)}`,
);
