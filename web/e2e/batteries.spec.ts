import { enter, expect, test } from './support';

test('batteries: the fleet, one pack, two side by side, and another habit', async ({ page }) => {
  await enter(page, '/batteries');
  // the twins of the packs need a few readings before they say anything
  let known: { id: string }[] = [];
  await expect
    .poll(
      async () => {
        const response = await page.request.get('/api/v1/batteries?limit=50');
        const { items } = (await response.json()) as { items: { id: string; soh: unknown }[] };
        known = items.filter((pack) => pack.soh !== null);
        return known.length;
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThan(1);
  const [a, b] = known;
  if (!a || !b) throw new Error('two packs are needed');

  await expect(page.getByRole('heading', { name: 'Batteries', level: 1 })).toBeVisible();
  const chips = page.getByRole('group', { name: 'Twin' }).getByRole('button');
  await chips.first().click();
  await expect(page).toHaveURL(/status=/);
  await page.getByRole('button', { name: 'Show all' }).click();
  const row = page.getByRole('table').getByRole('row').nth(1);
  await row.focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/batteries\/./);
  for (const part of [
    'Twin against measurement',
    'Health to come',
    'What would make it last',
    'Inside a cell',
  ])
    await expect(page.getByRole('heading', { name: part })).toBeVisible();
  await expect(page.getByText('In 1 week')).toBeVisible();

  await page.goto(`/batteries/compare?a=${encodeURIComponent(a.id)}&b=${encodeURIComponent(b.id)}`);
  await expect(page.getByRole('table').getByText('State of health')).toBeVisible();

  await page.goto(`/batteries/what-if?ids=${encodeURIComponent(a.id)}`);
  await page.getByRole('button', { name: /See what becomes of 1 pack/ }).click();
  await expect(page.getByRole('table').getByText('Charge late, to 80 %')).toBeVisible({ timeout: 30_000 });
  await page.getByLabel('Up to, %').fill('3');
  await expect(page.getByText('Between 20 and 100 %')).toBeVisible();
});
