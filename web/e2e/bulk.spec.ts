import { enter, expect, test } from './support';

const station = process.env.VOLTWIN_STATION ?? 'E2E-METER';

test('a dry run says whom a command reaches and who would not know it', async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page, '/bulk/new');
  const reach = page.getByRole('complementary', { name: 'What it would reach' });
  await expect(reach.getByRole('button', { name: /^Send/ })).toBeDisabled();
  await page.getByLabel('Yes, all stations').check();
  await expect(reach).toContainText(/\d+ stations/);
  await expect(reach).toContainText('OCPP 2.1');

  // Written for stations of 2.1, it is nothing that those of 1.6 know.
  await page.getByRole('radiogroup', { name: 'Actions of OCPP' }).getByRole('radio', { name: '2.1' }).click();
  await page.getByLabel('Search actions').fill('GetTransactionStatus');
  await page.keyboard.press('Enter');
  await expect(reach).toContainText(/OCPP 1\.6: .*GetTransactionStatus/);
  await reach.getByRole('button', { name: 'Only OCPP 2.1' }).click();
  await expect(reach).not.toContainText('OCPP 1.6');
  await expect(reach.getByRole('button', { name: /^Send to \d+ station/ })).toBeEnabled();
});

test('a bulk command is confirmed, followed to its end, and repeated for those left', async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page, '/bulk/new');
  await page.getByText('These very stations').click();
  await page.getByLabel('Ids, one a line or with commas between').fill(station);
  await page.getByRole('radio', { name: 'Ask for message' }).click();
  await page.getByRole('button', { name: 'Send to 1 station…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText(station);
  await dialog.getByRole('button', { name: 'Send to 1 station' }).click();

  await expect(page).toHaveURL(/\/bulk\/[0-9a-f-]+$/);
  await expect(page.getByText('Done', { exact: true })).toBeVisible({ timeout: 50_000 });
  await expect(page.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '1');
  const row = page.getByRole('row', { name: new RegExp(station) });
  // This station has no message to send when it is asked.
  await expect(row).toContainText('Rejected');
  await row.click();
  await expect(page.getByRole('dialog')).toContainText('Rejected by the station');
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();

  await page.getByRole('button', { name: /^Repeat for 1 station/ }).click();
  await expect(page).toHaveURL(/\/bulk\/new$/);
  await expect(page.getByLabel('Ids, one a line or with commas between')).toHaveValue(station);
  await expect(page.getByRole('radio', { name: 'Ask for message' })).toBeChecked();
});
