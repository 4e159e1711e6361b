import { enter, expect, test } from './support';

test('a tariff is written, priced and drawn before it is saved', async ({ page }) => {
  await enter(page, '/tariffs');
  const id = `e2e-${Date.now()}`;
  await page.getByRole('button', { name: 'New tariff' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Id').fill(id);
  await dialog.getByLabel('Name').fill('Day and night');
  await dialog.getByLabel('Price per kWh, without tax').fill('0,40');
  await dialog.getByRole('button', { name: 'Make tariff' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Day and night' })).toBeVisible();

  // 20 kWh at 0.40, then at 0.50: the form is priced, not what is saved.
  const preview = page.getByRole('region', { name: 'What a session would cost' }).first();
  await expect(preview.getByRole('row', { name: /To pay/ })).toContainText('8.00 EUR');
  const first = page.getByRole('group', { name: 'Price group 1' });
  await first.getByLabel('Price without tax').fill('0.50');
  await expect(preview.getByRole('row', { name: /To pay/ })).toContainText('10.00 EUR');

  // A group before it, for the night and for much power only.
  await first.getByRole('button', { name: 'Copy group 1' }).click();
  await first.getByLabel('Price without tax').fill('0.90');
  await first.getByLabel('From, local time').fill('22:00');
  await first.getByLabel('To', { exact: true }).fill('06:00');
  const week = page.getByRole('list', { name: 'Price of energy, day by day' });
  await expect(week).toContainText('22:00 to 24:00: 0.90, group 1');
  await expect(week).toContainText('06:00 to 22:00: 0.50, group 2');
  await first.getByText('Only for some energy, power').click();
  await first.getByLabel('Power from, kW').fill('50');
  await expect(week).toContainText('00:00 to 06:00: 0.50, group 2, unless group 1 fits the session');

  // What cannot be is said at its field, and is not saved.
  await first.getByLabel('Power below, kW').fill('22');
  await expect(first.getByText('Above the beginning')).toBeVisible();
  const save = page.getByRole('button', { name: 'Save as version 2' });
  await expect(save).toBeDisabled();
  await first.getByLabel('Power below, kW').fill('');
  await first.getByLabel('In steps of, Wh').fill('1000');
  await first.getByLabel('From the day', { exact: true }).fill('2026-01-01');
  await first.getByLabel('Current from, A').fill('16');
  await save.click();
  await expect(page.getByRole('status').filter({ hasText: 'Version 2 saved' })).toBeVisible();
  const saved = (await (await page.request.get(`/api/v1/tariffs/${id}`)).json()) as {
    tariff: { elements: unknown[] };
  };
  expect(saved.tariff.elements).toEqual([
    {
      components: [{ kind: 'energy', price: '0.90', step: 1000 }],
      restrictions: {
        start_time: '22:00',
        end_time: '06:00',
        start_date: '2026-01-01',
        min_power_w: '50000',
        min_current_a: '16',
      },
    },
    { components: [{ kind: 'energy', price: '0.50' }] },
  ]);

  await page.getByRole('button', { name: 'Retire' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Retire it' }).click();
  await expect(page.getByText('retired', { exact: true })).toBeVisible();
});
