import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { expect, test as base, type Locator, type Page } from '@playwright/test';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A key of role admin for the tenant under test. */
export const key = process.env.VOLTWIN_KEY ?? '';

/** Every test: no page error, and no request to another host. */
export const test = base.extend<{ strict: void }>({
  strict: [
    async ({ page, baseURL }, use) => {
      const host = new URL(baseURL ?? 'http://127.0.0.1').host;
      const foreign: string[] = [];
      const broken: string[] = [];
      page.on('request', (request) => {
        const url = new URL(request.url());
        if (!['data:', 'blob:'].includes(url.protocol) && url.host !== host) foreign.push(request.url());
      });
      page.on('websocket', (socket) => {
        if (new URL(socket.url()).host !== host) foreign.push(socket.url());
      });
      page.on('pageerror', (error) => broken.push(error.message));
      await use();
      expect(foreign, 'requests to other hosts').toEqual([]);
      expect(broken, 'errors on the page').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Signs in by link on a page, by itself one that draws no 3D, and waits until the stream is live. */
export async function enter(page: Page, path = '/claims'): Promise<void> {
  expect(key, 'VOLTWIN_KEY').not.toBe('');
  await page.goto(`${path}#key=${encodeURIComponent(key)}`);
  await expect(page.getByRole('navigation', { name: 'Main' }).first()).toBeVisible();
  await expect(page.locator('.link-state[data-state="live"]')).toBeVisible();
}

interface Router {
  isLoading: boolean;
  location: { href: string };
  resolvedLocation?: { href: string };
}

/** Goes to a page within the app, as a link does, and waits for what it shows: nothing is loaded anew. */
export async function go(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => history.pushState(null, '', to), path);
  await page.waitForFunction(() => {
    const { state } = (globalThis as unknown as { __TSR_ROUTER__: { state: Router } }).__TSR_ROUTER__;
    return !state.isLoading && state.resolvedLocation?.href === state.location.href;
  });
  await expect(page.getByText('Loading', { exact: true })).toHaveCount(0);
}

/** First item of a list of the API, with the session of the page. */
export async function first<T>(
  page: Page,
  path: string,
  where: (item: T) => boolean = () => true,
): Promise<T> {
  const response = await page.request.get(`/api/v1${path}`);
  expect(response.ok(), path).toBe(true);
  const item = ((await response.json()) as { items: T[] }).items.find(where);
  expect(item, `something in ${path}`).toBeDefined();
  return item as T;
}

const shown = {
  currency: 'EUR',
  elements: [
    {
      components: [
        { kind: 'energy', price: '0.59', tax_percent: '19' },
        { kind: 'parking', price: '6.00', tax_percent: '19', step: 60 },
      ],
      restrictions: { start_time: '08:00', end_time: '20:00', days: ['monday', 'friday'] },
    },
    { components: [{ kind: 'energy', price: '0.39', tax_percent: '19' }] },
  ],
};

/** A tariff for pages to show, made once. */
export async function someTariff(page: Page): Promise<string> {
  const id = 'e2e-shown';
  const old = await page.request.get(`/api/v1/tariffs/${id}`);
  if (!old.ok()) {
    const made = await page.request.post('/api/v1/tariffs', {
      headers: { 'x-voltwin': '1' },
      data: { id, name: 'Shown', tariff: shown },
    });
    expect(made.ok(), await made.text()).toBe(true);
  }
  return id;
}

/** How many colours the middle of a canvas has: a picture that is not drawn has one. */
export async function colours(canvas: Locator): Promise<number> {
  const png = (await canvas.screenshot()).toString('base64');
  return canvas.page().evaluate(async (data) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    // The middle, where no panel stands over the stage.
    const sheet = new OffscreenCanvas(300, 300).getContext('2d');
    if (!sheet) return 0;
    sheet.drawImage(image, image.width / 2 - 150, image.height / 2 - 150, 300, 300, 0, 0, 300, 300);
    const pixels = new Uint32Array(sheet.getImageData(0, 0, 300, 300).data.buffer);
    return new Set(pixels).size;
  }, png);
}

interface Violation {
  id: string;
  impact: string;
  targets: string[];
}

/** What of axe looks at colours, and so may say something else in the other theme. */
export const colourRules = ['color-contrast', 'link-in-text-block'];

/** Serious and critical findings of axe on the page as it stands: of all its rules, or of these. */
export async function violations(page: Page, rules?: readonly string[]): Promise<Violation[]> {
  // Evaluated, not added as a script element: the content security policy of the page stays as it is.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource);
  // A colour that is on its way to another is neither.
  await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const under = document.getAnimations().filter((a) => a instanceof CSSTransition);
    await Promise.allSettled(under.map((a) => a.finished));
  });
  return page.evaluate(async (only) => {
    const { axe } = globalThis as unknown as {
      axe: {
        run: (
          context: Document,
          options: object,
        ) => Promise<{ violations: { id: string; impact: string; nodes: { target: string[] }[] }[] }>;
      };
    };
    const result = await axe.run(document, {
      resultTypes: ['violations'],
      ...(only ? { runOnly: { type: 'rule', values: only } } : {}),
    });
    return result.violations
      .filter((v) => v.impact === 'serious' || v.impact === 'critical')
      .map((v) => ({ id: v.id, impact: v.impact, targets: v.nodes.map((n) => n.target.join(' ')) }));
  }, rules);
}
