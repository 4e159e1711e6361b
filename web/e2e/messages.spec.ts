import { enter, expect, test } from './support';

const station = process.env.VOLTWIN_STATION ?? 'E2E-METER';

test('the address holds the filters, and a call is shown with its answer', async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page, `/messages?station=${station}&action=TransactionEvent&kind=result`);
  await expect(page.getByLabel('Station', { exact: true })).toHaveValue(station);
  const rows = page.getByRole('list', { name: 'Messages, newest first' }).getByRole('button');
  await expect(rows.first()).toContainText('Answer');
  await expect(rows.first()).toContainText(station);
  await rows.first().click();
  await expect(page).toHaveURL(/open=\d+/);
  const detail = page.getByRole('article');
  await expect(detail).toContainText(/Answered after/);
  await expect(detail.getByRole('region', { name: 'Call' })).toContainText('Trigger reason');

  // A reload shows the same; clearing shows everything.
  await page.reload();
  await expect(page.getByRole('article')).toContainText('TransactionEvent');
  await page.getByRole('button', { name: /^Clear/ }).click();
  await expect(page).not.toHaveURL(/action=/);
});

test('the tail is live, stands still when it is paused, and counts what waits', async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page, `/messages?station=${station}`);
  const first = page.getByRole('list', { name: 'Messages, newest first' }).getByRole('button').first();
  const before = await first.textContent();
  await expect(first).not.toHaveText(before ?? '', { timeout: 20_000 });
  await page.getByRole('button', { name: 'Pause' }).click();
  const held = await first.textContent();
  await expect(page.getByText(/^\d+ new$/)).toBeVisible({ timeout: 20_000 });
  await expect(first).toHaveText(held ?? '');
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(first).not.toHaveText(held ?? '', { timeout: 20_000 });
});
