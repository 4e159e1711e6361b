import { colours, expect, first, key, test } from './support';

test('a link to a vehicle shows it in 3D', async ({ page }) => {
  test.setTimeout(180_000);
  await page.goto(`/alarms#key=${encodeURIComponent(key)}`);
  await expect(page.getByRole('heading', { name: 'Alarms', level: 1 })).toBeVisible();
  const vehicle = await first<{ id: string; name: string | null; lat_deg: number | null }>(
    page,
    '/vehicles',
    (v) => v.lat_deg !== null,
  );
  await page.goto(`/?sel=vehicle:${encodeURIComponent(vehicle.id)}`);
  await expect(page.locator('.inspector')).toContainText(vehicle.name ?? vehicle.id);
  const canvas = page.locator('.scene-root canvas');
  // Software painting needs its time for the first picture.
  await expect(page.locator('.ops-loading')).toHaveCount(0, { timeout: 90_000 });
  // An empty stage has one colour.
  await expect.poll(() => colours(canvas), { timeout: 60_000 }).toBeGreaterThan(50);
});

test('with the server away a page that was never opened still opens, and says what is missing', async ({
  page,
  context,
}) => {
  const chunk = /\/(assets|src)\/.*claims/i;
  await context.route(chunk, (route) => route.abort('connectionrefused'));
  await page.goto(`/alarms#key=${encodeURIComponent(key)}`);
  await expect(page.getByRole('heading', { name: 'Alarms', level: 1 })).toBeVisible();
  await context.route(/./, (route) => route.abort('connectionrefused'));
  await page
    .getByRole('link', { name: /Claims/ })
    .first()
    .click();
  await expect(page.getByRole('alert')).toContainText('The server cannot be reached');
  await expect(page).toHaveURL(/\/claims$/);
  await expect(page.getByRole('navigation', { name: 'Main' }).first()).toBeVisible();

  await context.unrouteAll();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'Claims', level: 1 })).toBeVisible();
});
