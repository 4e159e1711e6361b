import { enter, expect, test } from './support';

test('the tabs of a station are walked by keyboard, and each has an address', async ({ page }) => {
  await enter(page, '/stations/E2E-DESK');
  const overview = page.getByRole('tab', { name: 'Overview' });
  await overview.focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Device model' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/stations\/E2E-DESK\/device-model$/);
  await expect(page.getByRole('tab', { name: 'Device model' })).toHaveAttribute('aria-selected', 'true');
  await page.getByRole('tab', { name: 'Device model' }).focus();
  await page.keyboard.press('End');
  await expect(page.getByRole('tab', { name: 'History' })).toBeFocused();
});

test('the device model comes when it is asked for, and a variable is set in the station', async ({
  page,
}) => {
  await enter(page, '/stations/E2E-DESK/device-model');
  await page.getByRole('button', { name: 'Ask again' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Ask', exact: true }).click();
  await expect(dialog.getByText('Accepted by the station')).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Change MessageTimeout' }).click();
  const seconds = String(20 + Math.floor(Math.random() * 40));
  await page.getByRole('spinbutton', { name: 'New value of MessageTimeout' }).fill(seconds);
  await page.getByRole('button', { name: 'Send to the station' }).click();
  const row = page.getByRole('row').filter({ hasText: 'MessageTimeout' });
  await expect(row).toContainText('Set');
  await expect(row).toContainText(seconds);
});

test('a limit is set, drawn, and cleared again', async ({ page }) => {
  await enter(page, '/stations/E2E-DESK/charging');
  await page.getByRole('button', { name: 'Set a limit' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('At most, in kW').fill('6.4');
  await dialog.getByRole('button', { name: 'Set the limit' }).click();
  await expect(dialog.getByText('Accepted by the station')).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  const row = page.getByRole('row').filter({ hasText: '6.4 kW' });
  await expect(row).toBeVisible();
  await row.getByRole('button', { name: /^Clear profile/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Clear it' }).click();
  await expect(page.getByRole('dialog').getByText('Accepted by the station')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
  await expect(row).toHaveCount(0);
});

test('what a station did wrong is counted by its make and told on its page', async ({ page }) => {
  await enter(page, '/violations?q=heartbeat');
  await expect(page.getByRole('row').filter({ hasText: 'Desk Works' }).first()).toBeVisible();
  await page.goto('/stations/E2E-DESK/security');
  const policy = page.getByRole('radiogroup', { name: 'How strictly this station is held' });
  await policy.getByRole('radio', { name: 'Lenient' }).click();
  await expect(page.getByText('Takes what can be understood, and files the rest.')).toBeVisible();
  await policy.getByRole('radio', { name: 'As its make' }).click();
  await expect(policy.getByRole('radio', { name: 'As its make' })).toBeChecked();
});

test('a station is added, and the page watches for it', async ({ page }) => {
  await enter(page, '/stations');
  await page.getByRole('link', { name: 'Add station' }).click();
  const id = `E2E-NEW-${Date.now()}`;
  await page.getByLabel('Identity').fill(id);
  await page.getByRole('button', { name: 'Next: credentials' }).click();
  await page.getByRole('button', { name: 'Register the station' }).click();
  await expect(page).toHaveURL(new RegExp(`/onboarding/${id}$`));
  await expect(page.getByRole('button', { name: 'Copy password' })).toBeVisible();
  await expect(page.getByText(`/${id}`, { exact: false }).first()).toBeVisible();
  await expect(page.getByText('Registered', { exact: true })).toBeVisible();
});
