/**
 * Measures the 3D scene with synthetic fleets and fails when a budget is broken.
 *
 *   node bench/scene-bench.mjs http://127.0.0.1:5173/ [chromium] [fleet,fleet]
 *
 * Counts (draw calls, triangles, bytes) repeat exactly; main-thread CPU is thread time, so a busy machine does not
 * spoil it. Wall times and frame rates are not judged. The page must show the network scene: sign in first and pass
 * the cookie as VOLTWIN_COOKIE="name=value".
 */
import process from 'node:process';
import { chromium } from '@playwright/test';

const [base = 'http://127.0.0.1:5173/', executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium', list] =
  process.argv.slice(2);
const fleets = (list ?? '25,10000,100000').split(',').map(Number);
const CPU_MS = { 25: 2, 10000: 3, 100000: 5 };
const MEASURE_MS = 8000;

const browser = await chromium.launch({
  executablePath,
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
const failures = [];
const check = (ok, text) => ok || failures.push(text);
const rows = [];

for (const vehicles of fleets) {
  // A small window: rasterising in software is not what is measured.
  const context = await browser.newContext({ viewport: { width: 480, height: 320 } });
  const cookie = process.env.VOLTWIN_COOKIE;
  if (cookie) {
    const [name, value] = cookie.split('=');
    await context.addCookies([{ name, value, url: base }]);
  }
  const page = await context.newPage();
  await page.goto(`${base}?bench=vehicles:${vehicles}&seed=1`);
  await page.waitForFunction(
    (n) => window.__voltwinStats?.vehicles === n && window.__voltwinStats.frames > 3,
    vehicles,
    {
      timeout: 120_000,
    },
  );
  const client = await context.newCDPSession(page);
  await client.send('Performance.enable', { timeDomain: 'threadTicks' });
  const sample = async () => {
    const { metrics } = await client.send('Performance.getMetrics');
    const task = metrics.find((m) => m.name === 'TaskDuration').value * 1000;
    return { task, ...(await page.evaluate(() => ({ ...window.__voltwinStats }))) };
  };
  // With ticks, then without and with the camera turning, so that pictures are drawn all the same.
  const watch = async () => {
    const before = await sample();
    let idle = 0;
    for (let waited = 0; waited < MEASURE_MS; waited += 500) {
      await page.waitForTimeout(500);
      idle = Math.max(idle, await page.evaluate(() => window.__voltwinStats.idleUploadedBytes));
    }
    const after = await sample();
    return { after, idle, frames: after.frames - before.frames, task: after.task - before.task };
  };
  const ticking = await watch();
  await page.evaluate(() => window.__voltwinPause());
  await page.locator('.scene-root').focus();
  await page.keyboard.down('q');
  await page.waitForTimeout(1500);
  const still = await watch();
  await page.keyboard.up('q');
  const { after } = ticking;
  const idle = Math.max(ticking.idle, still.idle);
  const frames = still.frames;
  const perFrame = still.task / Math.max(1, frames);
  const ticks = MEASURE_MS / (vehicles > 20_000 ? 1000 : 200);
  const row = {
    vehicles,
    drawCalls: after.drawCalls,
    triangles: after.triangles,
    idleBytes: idle,
    tickBytesPerRow: +(after.tickUploadedBytes / vehicles).toFixed(1),
    cpuMsPerFrame: +perFrame.toFixed(2),
    cpuMsPerTick: +Math.max(0, (ticking.task - ticking.frames * perFrame) / ticks).toFixed(2),
    frames,
    sceneMB: +(after.sceneBytes / 1048576).toFixed(2),
    renderer: after.renderer.slice(0, 40),
  };
  rows.push(row);
  const limit = CPU_MS[vehicles];
  check(idle === 0, `${vehicles}: ${idle} bytes uploaded between ticks, the limit is 0`);
  check(frames > 0, `${vehicles}: no picture was drawn`);
  if (vehicles <= 25) check(row.drawCalls <= 40, `${vehicles}: ${row.drawCalls} draw calls, the limit is 40`);
  if (vehicles <= 25)
    check(row.triangles <= 60_000, `${vehicles}: ${row.triangles} triangles, the limit is 60000`);
  check(
    row.drawCalls <= rows[0].drawCalls + 5,
    `${vehicles}: draw calls grow from ${rows[0].drawCalls} to ${row.drawCalls}`,
  );
  if (limit)
    check(
      row.cpuMsPerFrame <= limit,
      `${vehicles}: ${row.cpuMsPerFrame} ms CPU a frame, the limit is ${limit}`,
    );
  await context.close();
}
await browser.close();
console.table(rows);
for (const failure of failures) console.error(failure);
process.exit(failures.length > 0 ? 1 : 0);
