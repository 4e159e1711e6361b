import { colourRules, enter, expect, first, go, someTariff, test, violations } from './support';

const seg = encodeURIComponent;

test('no route has a serious finding, dark or light', async ({ page }) => {
  test.setTimeout(240_000);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await enter(page);
  const station = await first<{ id: string }>(page, '/stations');
  const vehicle = await first<{ id: string }>(page, '/vehicles');
  const pack = await first<{ id: string }>(page, '/batteries');
  const transaction = await first<{ number: number; station: string }>(page, '/transactions');
  const tariff = await someTariff(page);
  const routes = [
    '/',
    `/?sel=station:${seg(station.id)}`,
    `/?view=table&sel=vehicle:${seg(vehicle.id)}`,
    '/stations',
    `/stations/${seg(station.id)}`,
    `/stations/${seg(station.id)}/commands`,
    `/stations/${seg(station.id)}/commands?action=DataTransfer`,
    `/stations/${seg(station.id)}/messages`,
    '/messages',
    '/bulk',
    '/bulk/new',
    '/campaigns',
    '/campaigns/new',
    '/id-tokens',
    '/id-tokens/lists',
    ...['device-model', 'charging', 'firmware', 'security', 'history'].map(
      (tab) => `/stations/E2E-DESK/${tab}`,
    ),
    '/vehicles',
    `/vehicles/${seg(vehicle.id)}`,
    '/batteries',
    `/batteries/${seg(pack.id)}`,
    `/batteries/compare?a=${seg(pack.id)}`,
    `/batteries/what-if?ids=${seg(pack.id)}`,
    '/transactions',
    `/transactions/${transaction.number}`,
    '/tariffs',
    `/tariffs/${seg(tariff)}`,
    '/uptime',
    `/uptime/${seg(station.id)}`,
    '/alarms?status=all',
    '/violations',
    '/recordings',
    '/partners',
    '/onboarding',
    '/onboarding/E2E-DESK',
    '/claims',
    '/audit',
    '/graph',
    `/graph?view=list&twin=${seg(station.id)}`,
    '/graph/models?id=dtmi:voltwin:Vehicle;1',
    '/graph/query',
    '/graph/events',
    '/swap',
    '/api-docs',
  ];
  for (const route of routes) {
    await go(page, route);
    await expect(page.locator('h1').first()).toBeAttached();
    expect(await violations(page), route).toEqual([]);
    await page
      .getByRole('button', { name: /^Use the (dark|light) theme$/ })
      .evaluate((button: HTMLElement) => button.click());
    // What is on the page stays: only its colours are others.
    expect(await violations(page, colourRules), `${route}, other theme`).toEqual([]);
  }
});

for (const colorScheme of ['dark', 'light'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test('pages outside the frame have no serious finding', async ({ page }) => {
      for (const route of ['/sign-in', '/no-such-page']) {
        await page.goto(route);
        await expect(page.getByRole('heading', { level: 1 })).toBeAttached();
        expect(await violations(page), route).toEqual([]);
      }
    });

    test('the palette and a dialog have no serious finding', async ({ page }) => {
      await enter(page);
      await page.keyboard.press('Control+k');
      await page.keyboard.type('a');
      await expect(page.getByRole('option').first()).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press('Escape');
      const station = await first<{ id: string }>(page, '/stations');
      await page.goto(`/stations/${seg(station.id)}`);
      await page.getByRole('button', { name: 'Reset' }).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      expect(await violations(page)).toEqual([]);
    });
  });
}
