import { enter, expect, key, test } from './support';

test('a page asks for credentials and comes back to where it was', async ({ page }) => {
  await page.goto('/stations?q=none');
  await expect(page).toHaveURL(/\/sign-in\?/);
  await page.getByLabel('Access key', { exact: true }).last().fill('not-a-key');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('not accepted');
  await page.getByLabel('Access key', { exact: true }).last().fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/stations\?q=none$/);
  await expect(page.getByRole('heading', { name: 'Stations', level: 1 })).toBeVisible();
});

test('a key link signs in and leaves no key in the address', async ({ page }) => {
  await enter(page, '/stations?q=none');
  expect(page.url()).not.toContain('key=');
  await expect(page).toHaveURL(/\/stations\?q=none$/);
  expect(await page.evaluate(() => history.length)).toBeLessThanOrEqual(2);
});

test('signing out ends the session', async ({ page }) => {
  await enter(page);
  await page.getByRole('button', { name: /account of/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await page.goto('/alarms');
  await expect(page).toHaveURL(/\/sign-in/);
});
