import { enter, expect, first, someTariff, test, violations } from './support';

const seg = encodeURIComponent;

for (const colorScheme of ['dark', 'light'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test('the sign-in page has no serious finding', async ({ page }) => {
      await page.goto('/sign-in');
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      expect(await violations(page)).toEqual([]);
    });

    test('no route has a serious finding', async ({ page }) => {
      test.setTimeout(480_000);
      await enter(page);
      const station = await first<{ id: string }>(page, '/stations');
      const vehicle = await first<{ id: string }>(page, '/vehicles');
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
        '/api-docs',
        '/no-such-page',
      ];
      for (const route of routes) {
        await page.goto(route);
        await expect(page.locator('h1').first()).toBeAttached();
        await expect(page.getByText('Loading', { exact: true })).toHaveCount(0);
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
