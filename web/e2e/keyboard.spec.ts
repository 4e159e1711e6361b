import { enter, expect, first, key, test } from './support';

test('everything on the way to a command is reached without a pointer', async ({ page }) => {
  await enter(page, '/');
  const station = await first<{ id: string }>(page, '/stations');

  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();

  // The palette: open, type, take the hit.
  await page.keyboard.press('Control+k');
  const box = page.getByRole('combobox');
  await expect(box).toBeFocused();
  await page.keyboard.type(station.id);
  await expect(page.getByRole('option', { selected: true })).toContainText(station.id);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/stations/${encodeURIComponent(station.id)}$`));

  // Two keys to a page, arrows through its table, Enter to open.
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await expect(page).toHaveURL(/\/stations$/);
  const rows = page.locator('tbody tr[tabindex]');
  await rows.first().waitFor();
  await page.locator('tbody tr[tabindex="0"]').focus();
  await page.keyboard.press('End');
  await expect(rows.last()).toBeFocused();
  await page.keyboard.press('Home');
  await expect(rows.first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/stations\/.+/);

  // A dialog keeps the focus and gives it back.
  const reset = page.getByRole('button', { name: 'Reset' });
  await reset.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press('Tab');
    expect(await dialog.evaluate((d) => d.contains(document.activeElement))).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(reset).toBeFocused();
});

test('the table beside the 3D view selects by keyboard, and the address says so', async ({ page }) => {
  await enter(page, '/?view=table');
  const row = page.locator('.ops-table tbody tr[tabindex="0"]');
  await row.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/sel=station/);
  await expect(page.locator('.inspector')).toBeVisible();
});

test('what is typed before the palette has loaded reaches it and no shortcut', async ({ page }) => {
  await page.route(/\/(assets|src)\/.*palette/, async (route) => {
    await new Promise((done) => setTimeout(done, 1_500));
    await route.continue();
  });
  await page.goto(`/claims#key=${encodeURIComponent(key)}`);
  await expect(page.getByRole('heading', { name: 'Claims', level: 1 })).toBeVisible();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('gas');
  await expect(page.getByRole('combobox')).toHaveValue('gas');
  await expect(page).toHaveURL(/\/claims$/);
});
