import { enter, expect, test, violations } from './support';

const station = 'E2E-DESK';
/** Comes after the first by its name, so that the first is the canary; it is never asked. */
const other = process.env.VOLTWIN_STATION ?? 'E2E-METER';

test('a campaign that fails pauses, is asked again, and is stopped for good', async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page, '/campaigns/new');
  const side = page.getByRole('complementary', { name: 'What it would do' });
  await expect(side.getByRole('button', { name: 'Start…' })).toBeDisabled();
  await page.getByText('These very stations').click();
  await page.getByLabel('Ids, one a line or with commas between').fill(`${station}, ${other}`);
  await expect(side).toContainText('2 stations');
  await expect(side).toContainText('Choose the firmware.');
  // What is no version in text cannot be installed by this station.
  await page.getByLabel('Firmware to upload').setInputFiles({
    name: 'desk-broken-9.9.9.bin',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from('%'),
  });
  await page.getByRole('button', { name: 'Version 9.9.9, as the file is named' }).click();
  await page.getByText('Attempts and limits').click();
  await page.getByLabel('Attempts a station').fill('20');
  await expect(page.getByText(/1 to 10/).first()).toBeVisible();
  await page.getByLabel('Attempts a station').fill('1');
  await page.getByLabel('Only while nobody charges there or is plugged in').uncheck();
  await side.getByRole('button', { name: 'Update 2 stations…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText(station);
  await dialog.getByRole('button', { name: 'Start the campaign' }).click();

  await expect(page).toHaveURL(/\/campaigns\/[0-9a-f-]+$/);
  const row = page.getByRole('row', { name: new RegExp(station) });
  await expect(row).toContainText('Failed', { timeout: 30_000 });
  await expect(page.getByText('Paused', { exact: true })).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await row.click();
  await expect(page.getByRole('dialog')).toContainText('UpdateFirmware');
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();

  await page.getByRole('button', { name: 'Go on…' }).click();
  await page.getByRole('dialog').getByRole('radio', { name: 'Ask them again' }).check();
  await page.getByRole('dialog').getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByText('Under way', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Stop for good' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop it' }).click();
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('row', { name: new RegExp(other) })).toContainText('Not asked any more');
  await page.getByRole('button', { name: 'Use again' }).click();
  await expect(page.getByLabel('Name of the campaign')).toHaveValue('To 9.9.9');
});

test('a campaign is followed until the station tells the new version', async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page, `/stations/${station}/firmware`);
  await page.getByRole('link', { name: 'All of its make' }).click();
  await expect(page.getByLabel('Vendor')).toHaveValue('Desk Works');
  // the other one of this make breaks the protocol, and is left alone
  await page.getByText('These very stations').click();
  await page.getByLabel('Ids, one a line or with commas between').fill(station);
  const version = `3.${Date.now() % 1_000_000}`;
  await page
    .getByLabel('Firmware to upload')
    .setInputFiles({ name: 'desk.bin', mimeType: 'application/octet-stream', buffer: Buffer.from(version) });
  await page.getByLabel('Version', { exact: true }).fill(version);
  await page.getByLabel('Name of the campaign').fill('Spring');
  await page.getByRole('button', { name: 'Update 1 station…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Start the campaign' }).click();
  await expect(page.getByRole('heading', { name: 'Spring', level: 1 })).toBeVisible();
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByText('Paused', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByText('Done', { exact: true })).toBeVisible({ timeout: 40_000 });
  await expect(page.getByRole('row', { name: new RegExp(station) })).toContainText('Installed');

  await page.goto('/campaigns?status=ended');
  await expect(page.getByRole('radio', { name: 'Ended' })).toBeChecked();
  await page
    .getByRole('row', { name: /Spring/ })
    .first()
    .click();
  await expect(page.getByRole('progressbar').first()).toHaveAttribute('aria-valuenow', '1');
});
