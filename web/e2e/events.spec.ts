import { enter, expect, test } from './support';

test('an endpoint and a route are set up, a filter’s mistake is marked, and both go again', async ({
  page,
}) => {
  await enter(page, '/graph/events');
  await expect(page.getByRole('heading', { name: 'Events', level: 1 })).toBeVisible();
  const absent = page.getByText('This server sends no events');
  const add = page.getByRole('button', { name: 'Add an endpoint' });
  await expect(add.or(absent)).toBeVisible();
  test.skip(await absent.isVisible(), 'a server without events');
  const name = `files-${Date.now()}`;
  const dialog = page.getByRole('dialog');
  await add.click();
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('radio', { name: 'Files' }).click();
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('row').filter({ hasText: name })).toContainText('NDJSON files');

  await page.getByRole('button', { name: 'Add a route' }).click();
  const route = `route-${Date.now()}`;
  await dialog.getByLabel('Id').fill(route);
  await dialog.getByLabel('Endpoint').selectOption(name);
  await dialog.getByLabel('Filter').fill("type = 'x' AN true");
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog.getByRole('alert')).toContainText('column 12');
  await expect(dialog.locator('mark')).toHaveText('AN');
  await dialog.getByRole('button', { name: 'New values of twins' }).click();
  await expect(dialog.locator('mark')).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog).toBeHidden();
  const row = page.getByRole('row').filter({ hasText: route });
  await expect(row).toContainText('Twin.Update');

  for (const one of [route, name]) {
    await page.getByRole('button', { name: `Remove ${one}` }).click();
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole('row').filter({ has: page.getByText(one, { exact: true }) })).toHaveCount(0);
  }
});

test('data history is turned on, tells where it goes and how large it is, and is turned off', async ({
  page,
}) => {
  await enter(page, '/graph/events');
  const panel = page.getByRole('region', { name: 'Data history' });
  const history = panel.getByRole('switch', { name: 'Data history' });
  await expect(history).toHaveAttribute('aria-checked', 'false');
  await history.focus();
  await page.keyboard.press('Space');
  await expect(history).toHaveAttribute('aria-checked', 'true');
  await expect(panel).toContainText(/events\/\w+\/history\/property_updates/);
  // Rows are written every ten seconds; the city never stands still.
  await expect(panel).toContainText(/property_updates\s*[\d.]+ (B|KiB|kB)/, { timeout: 40_000 });
  await history.click();
  await expect(history).toHaveAttribute('aria-checked', 'false');
  await expect(panel).toContainText('Nothing is added to them now');
});
