import { defineConfig } from '@playwright/test';

/** The server and its key come from outside: VOLTWIN_URL, VOLTWIN_KEY; CHROMIUM names the browser. */
export default defineConfig({
  testDir: './e2e',
  // Two runs beside each other must not share a folder.
  outputDir: process.env.VOLTWIN_E2E_OUT ?? './test-results',
  workers: 1,
  fullyParallel: false,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    baseURL: process.env.VOLTWIN_URL ?? 'http://127.0.0.1:8080',
    viewport: { width: 1440, height: 900 },
    // The document at every step, and one picture of the end: a film of a page in 3D costs more than the test.
    trace: { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      ignoreDefaultArgs: ['--disable-gpu'],
      args: [
        '--no-sandbox',
        '--use-gl=angle',
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
        // Only the 3D needs WebGL: the page itself is painted faster without it, where it would be software too.
        '--disable-gpu-rasterization',
        '--disable-gpu-compositing',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
