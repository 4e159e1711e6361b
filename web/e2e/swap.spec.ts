import { readFileSync } from 'node:fs';
import { enter, expect, test, violations } from './support';

test('a network is planned by keyboard, a mistake is said at its field, and the file is saved', async ({
  page,
}) => {
  await enter(page, '/swap');
  await expect(page.getByRole('heading', { name: 'Swap planning', level: 1 })).toBeVisible();
  const map = page.getByRole('application', { name: /Map of 6 stations/ });
  await map.focus();
  await page.keyboard.press('ArrowRight');
  const station = page.getByRole('region', { name: 'Station C2' });
  await expect(station).toBeVisible();
  const place = await station.getByLabel('Longitude').inputValue();
  await map.press('Shift+ArrowRight');
  await expect(station.getByLabel('Longitude')).not.toHaveValue(place);

  const status = page.getByRole('group', { name: 'Scenario' }).getByRole('status');
  const save = page.getByRole('button', { name: /^Save / });
  await station.getByLabel('Bays').fill('0');
  await expect(station.getByText('From 1 to 1000')).toBeVisible();
  await expect(status).toContainText('1 field to correct');
  await expect(save).toBeDisabled();
  await station.getByLabel('Bays').fill('two');
  await expect(station.getByText('Not a number')).toBeVisible();
  await station.getByLabel('Bays').fill('2');

  // The peak is drawn by the arrow keys.
  const hour = page.getByRole('slider', { name: /Vehicles that come.*, 07:00/ });
  await hour.focus();
  await hour.press('Shift+ArrowUp');
  await expect(hour).toHaveAttribute('aria-valuenow', '10.4');
  expect(await violations(page)).toEqual([]);

  const download = page.waitForEvent('download');
  await save.click();
  const saved = JSON.parse(readFileSync(await (await download).path(), 'utf8')) as {
    stations: { bays: number }[];
    demand: { profile_per_h: number[] };
  };
  expect(saved.stations[1]?.bays).toBe(2);
  expect(saved.demand.profile_per_h[7]).toBe(10.4);

  await page.getByRole('button', { name: 'Undo changes' }).click();
  await expect(page.getByRole('row', { name: /^C2/ }).getByRole('cell').nth(1)).toHaveText('1');
});

test('stations come out of a file; what is wrong with it is told line by line', async ({ page }) => {
  await enter(page, '/swap');
  await page.getByRole('button', { name: 'Import CSV' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Or paste it here').fill('id,lat,lon,bays\nHarbour,25,121.5,2\nHill,95,121.5,1\n');
  await expect(dialog.getByRole('list', { name: 'Lines at fault' })).toContainText('Line 3');
  await expect(dialog.getByRole('button', { name: 'Take them' })).toBeDisabled();
  await dialog
    .getByLabel('Or paste it here')
    .fill('id,lat,lon,bays\nHarbour,25,121.5,2\nHill,25.1,121.5,1\n');
  await dialog.getByRole('button', { name: 'Take 2 stations' }).click();
  await expect(page.getByRole('row', { name: /Hill/ })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Station Harbour' })).toBeVisible();
});
