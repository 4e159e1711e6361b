import { enter, expect, test } from './support';

test('a place is reserved and given up again', async ({ page }) => {
  await enter(page, '/stations/E2E-DESK/charging');
  const token = `E2E-R${Date.now() % 100_000}`;
  await page.getByRole('button', { name: 'Reserve' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('For the id token').fill(token);
  await dialog.getByRole('button', { name: 'Reserve' }).click();
  await expect(dialog.getByText('Accepted by the station')).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  const row = page.getByRole('row', { name: new RegExp(token) });
  await expect(row).toContainText('Held');
  await row.getByRole('button', { name: /^Cancel reservation/ }).click();
  await dialog.getByRole('button', { name: 'Cancel the reservation' }).click();
  await expect(dialog.getByText('Accepted by the station')).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(row).toContainText('Cancelled');
});

test('the station’s schedule is held against ours, and what differs is said', async ({ page }) => {
  await enter(page, '/stations/E2E-DESK/charging');
  await expect(page.getByText('As we work it out')).toBeVisible();
  await page.getByRole('button', { name: 'Compare with the station' }).click();
  // This station forgets the limit from outside that it told of itself.
  await expect(page.getByText(/^The station works out something else/)).toBeVisible();
  await expect(page.getByText('As the station says')).toBeVisible();
  await expect(page.getByText('The two differ')).toBeVisible();
  await expect(page.getByText(/we say .* kW, the station .* kW/).first()).toBeVisible();
});
