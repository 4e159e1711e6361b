import { enter, expect, first, go, someTariff, test } from './support';

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

test('every page fits a phone: one column, tabs below, targets of 44 px', async ({ page }) => {
  test.setTimeout(180_000);
  await enter(page);
  const station = await first<{ id: string }>(page, '/stations');
  const vehicle = await first<{ id: string }>(page, '/vehicles');
  const pack = await first<{ id: string }>(page, '/batteries');
  const transaction = await first<{ number: number }>(page, '/transactions');
  const tariff = await someTariff(page);
  const routes = [
    '/',
    '/?view=table',
    '/stations',
    `/stations/${encodeURIComponent(station.id)}`,
    `/stations/${encodeURIComponent(station.id)}/commands`,
    `/stations/${encodeURIComponent(station.id)}/commands?action=DataTransfer`,
    `/stations/${encodeURIComponent(station.id)}/messages`,
    '/messages',
    '/bulk',
    '/bulk/new',
    '/campaigns',
    '/campaigns/new',
    '/id-tokens',
    '/id-tokens/lists',
    '/stations/E2E-DESK/device-model',
    '/stations/E2E-DESK/charging',
    '/stations/E2E-DESK/firmware',
    '/stations/E2E-DESK/security',
    '/stations/E2E-DESK/history',
    '/violations',
    '/recordings',
    '/partners',
    '/onboarding',
    '/onboarding/E2E-DESK',
    '/vehicles',
    `/vehicles/${encodeURIComponent(vehicle.id)}`,
    '/batteries',
    `/batteries/${encodeURIComponent(pack.id)}`,
    `/batteries/compare?a=${encodeURIComponent(pack.id)}`,
    `/batteries/what-if?ids=${encodeURIComponent(pack.id)}`,
    '/transactions',
    '/tariffs',
    `/tariffs/${encodeURIComponent(tariff)}`,
    `/transactions/${transaction.number}`,
    '/uptime',
    `/uptime/${encodeURIComponent(station.id)}`,
    '/alarms?status=all',
    '/claims',
    '/audit',
    '/graph',
    `/graph?view=graph&twin=${encodeURIComponent(station.id)}`,
    '/graph/models?id=dtmi:voltwin:Vehicle;1',
    '/graph/query',
    '/graph/events',
    '/swap',
    '/api-docs',
  ];
  for (const route of routes) {
    await go(page, route);
    await expect(page.locator('h1').first()).toBeAttached();
    await expect(page.locator('.tabbar')).toBeVisible();
    const wide = await page.evaluate(() => {
      const main = document.querySelector('#main');
      return (
        document.documentElement.scrollWidth > innerWidth ||
        (main?.scrollWidth ?? 0) > (main?.clientWidth ?? 0) + 1
      );
    });
    expect(wide, `${route} scrolls sideways`).toBe(false);
    // A table that scrolls inside itself hides what stands at its right.
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('.table-wrap')]
        .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)
        .map((e) => `${e.querySelector('caption')?.textContent ?? ''}: ${e.scrollWidth} of ${e.clientWidth}`),
    );
    expect(cut, `${route} cuts tables`).toEqual([]);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('button, .tabbar a, select, input')]
        .filter((e) => e.checkVisibility() && !e.closest('.table th, .visually-hidden, .link-button'))
        .map((e) => ({
          text: e.getAttribute('aria-label') ?? e.innerText,
          height: e.getBoundingClientRect().height,
        }))
        .filter((e) => e.height > 0 && e.height < 43.5),
    );
    expect(small, route).toEqual([]);
  }
  const tabs = await page
    .locator('.tabbar > *')
    .evaluateAll((list) => list.map((e) => e.getBoundingClientRect().height));
  expect(Math.min(...tabs)).toBeGreaterThanOrEqual(44);
});

test('the pages without a tab are under "More"', async ({ page }) => {
  await enter(page);
  const item = page.getByRole('menuitem', { name: 'Transactions' });
  // a page that is still painting its first picture may miss a tap
  await expect(async () => {
    await page.getByRole('button', { name: 'More' }).click();
    await expect(item).toBeVisible({ timeout: 3_000 });
  }).toPass();
  await item.click();
  await expect(page.getByRole('heading', { name: 'Transactions', level: 1 })).toBeVisible();
});
