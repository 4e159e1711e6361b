/**
 * Measures what one picture of the 3D scene costs the main thread, with synthetic fleets, and fails when a budget is
 * broken.
 *
 *   node bench/scene-bench.mjs [--chromium PATH] [--fleets 25,10000,100000] [--json]
 *
 * Builds `bench/page` (the scene alone, no application around it) as a release is built, opens it, and asks for
 * pictures one by one. CPU is the main thread's own time by the browser's count (thread ticks), so neither a busy
 * machine nor software painting, which happens in another process (and is made cheap), is part of it; what the page does when it draws
 * nothing is measured in the same way and taken off. Counts (draw calls, triangles, bytes) repeat exactly.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { build } from 'vite';

const { values: args } = parseArgs({
  options: {
    chromium: { type: 'string', default: process.env.CHROMIUM ?? '/usr/bin/chromium' },
    fleets: { type: 'string', default: '25,10000,100000' },
    json: { type: 'boolean', default: false },
  },
});

/** Main-thread CPU of a picture, milliseconds. */
const CPU_MS = 4;
/** With a fresh value of every vehicle the budget holds up to here; larger fleets tick once a second, and are told. */
const TICK_BUDGET_TO = 10_000;
const DRAW_CALLS = 60;
const GPU_BYTES = 200 * 1024 * 1024;
/** Pictures of each kind and round. */
const FRAMES = 60;
/** Rounds of each kind; the median is reported. */
const ROUNDS = 3;
const MODES = ['rest', 'still', 'turn', 'tick'];
const HOST = 'http://bench.localhost';
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

const web = fileURLToPath(new URL('..', import.meta.url));
const out = await mkdtemp(join(tmpdir(), 'voltwin-scene-bench-'));
await build({
  configFile: join(web, 'vite.config.ts'),
  root: join(web, 'bench/page'),
  logLevel: 'warn',
  build: { outDir: out, emptyOutDir: true },
});

const browser = await chromium.launch({
  executablePath: args.chromium,
  ignoreDefaultArgs: ['--disable-gpu'],
  args: [
    '--no-sandbox',
    '--use-gl=angle',
    '--use-angle=swiftshader',
    '--enable-unsafe-swiftshader',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});

async function measure(vehicles) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(300_000);
  page.on('console', (message) => message.type() === 'error' && console.error(`page: ${message.text()}`));
  page.on('pageerror', (error) => console.error(`page: ${error.message}`));
  await page.route(`${HOST}/**`, async (route) => {
    const path = new URL(route.request().url()).pathname.replace(/^\/$/, '/index.html');
    const body = await readFile(join(out, path)).catch(() => null);
    if (body === null) await route.fulfill({ status: 404 });
    else await route.fulfill({ body, contentType: TYPES[extname(path)] ?? 'application/octet-stream' });
  });
  await page.goto(`${HOST}/?vehicles=${vehicles}`);
  await page.evaluate(() => window.bench.ready);
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable', { timeDomain: 'threadTicks' });
  const taken = async () => {
    const { metrics } = await client.send('Performance.getMetrics');
    const of = (name) => metrics.find((m) => m.name === name).value * 1000;
    return { task: of('TaskDuration'), script: of('ScriptDuration') };
  };
  const cost = Object.fromEntries(MODES.map((mode) => [mode, { task: [], script: [] }]));
  let idleBytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const mode of MODES) {
      const before = await taken();
      await page.evaluate(([kind, n]) => window.bench.run(kind, n), [mode, FRAMES]);
      const after = await taken();
      cost[mode].task.push((after.task - before.task) / FRAMES);
      cost[mode].script.push((after.script - before.script) / FRAMES);
      const stats = await page.evaluate(() => window.bench.stats());
      if (mode === 'still' || mode === 'turn') idleBytes = Math.max(idleBytes, stats.uploadedBytes);
    }
  }
  const stats = await page.evaluate(() => window.bench.stats());
  await page.close();
  const rest = median(cost.rest.task);
  const of = (mode) => +(median(cost[mode].task) - rest).toFixed(2);
  return {
    vehicles: stats.vehicles,
    frames: FRAMES * ROUNDS,
    restMs: +rest.toFixed(2),
    stillMs: of('still'),
    turnMs: of('turn'),
    tickMs: of('tick'),
    scriptTickMs: +median(cost.tick.script).toFixed(2),
    drawCalls: stats.drawCalls,
    triangles: stats.triangles,
    idleBytes,
    tickBytesPerRow: +(stats.tickUploadedBytes / vehicles).toFixed(1),
    sceneBytes: stats.sceneBytes,
    renderer: stats.renderer.slice(0, 60),
  };
}

const rows = [];
try {
  for (const vehicles of args.fleets.split(',').map(Number)) rows.push(await measure(vehicles));
} finally {
  await browser.close();
  await rm(out, { recursive: true, force: true });
}

const failures = [];
const check = (ok, text) => ok || failures.push(text);
for (const row of rows) {
  const n = row.vehicles;
  check(n > 0, 'no vehicle reached the scene');
  check(row.idleBytes === 0, `${n}: ${row.idleBytes} bytes uploaded between ticks, the limit is 0`);
  check(
    row.drawCalls > 0 && row.drawCalls <= DRAW_CALLS,
    `${n}: ${row.drawCalls} draw calls, the limit is 60`,
  );
  check(row.sceneBytes <= GPU_BYTES, `${n}: ${row.sceneBytes} bytes of buffers, the limit is ${GPU_BYTES}`);
  for (const kind of n <= TICK_BUDGET_TO ? ['stillMs', 'turnMs', 'tickMs'] : ['stillMs', 'turnMs'])
    check(row[kind] <= CPU_MS, `${n}: ${kind} ${row[kind]} ms of CPU, the limit is ${CPU_MS}`);
}
if (args.json) console.log(JSON.stringify(rows, null, 2));
else console.table(rows);
for (const failure of failures) console.error(failure);
process.exit(failures.length > 0 ? 1 : 0);
