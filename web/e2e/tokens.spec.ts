import { enter, expect, test, violations } from './support';

test('a token is added, found in use, blocked and removed', async ({ page }) => {
  test.setTimeout(90_000);
  await enter(page, '/id-tokens');
  const id = `E2E/${Date.now()}.x`;
  await page.getByRole('button', { name: 'Add token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Token', { exact: true }).fill(id);
  await dialog.getByLabel('Parent').fill('E2E-FLEET');
  await dialog.getByLabel('Note').fill('blue fob');
  await dialog.getByRole('button', { name: 'Add it' }).click();
  // who types beside an open dialog is brought back into it
  await expect(dialog).toBeHidden();
  await page.getByLabel('Search tokens, vehicles and notes').fill(id.toLowerCase());
  await expect(page).toHaveURL(/q=/);
  const row = page.getByRole('row', { name: new RegExp(id) });
  await row.click();
  await expect(page).toHaveURL(/open=/);
  // The address alone opens it again, whatever the token holds.
  await page.reload();
  await expect(dialog).toContainText('blue fob');
  await expect(dialog).toContainText('Nobody charges on it now.');
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Block' }).click();
  await expect(dialog.getByText('Blocked', { exact: true })).toBeVisible();
  await dialog.getByRole('button', { name: 'Change' }).click();
  await expect(dialog.getByLabel('Parent')).toHaveValue('E2E-FLEET');
  await dialog.getByLabel('Good until').fill('2031-05-01T10:00');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toContainText('1 May 2031 10:00');
  await dialog.getByRole('button', { name: 'Remove…' }).click();
  await dialog.getByRole('button', { name: 'Remove it' }).click();
  await expect(page.getByText('No token matches')).toBeVisible();
});

test('a file with faults is not sent; a good one comes in, and out again', async ({ page }) => {
  test.setTimeout(90_000);
  await enter(page, '/id-tokens?parent=E2E-FILE');
  await page.getByRole('button', { name: 'Import' }).click();
  const dialog = page.getByRole('dialog');
  const text = dialog.getByLabel('Or paste it here');
  await text.fill('id_token,status\nE2E-F1,nice\nE2E-F2,blocked\ne2e-f2,\n');
  await expect(dialog).toContainText('2 lines to put right');
  await expect(dialog.getByRole('list', { name: 'Lines at fault' })).toContainText('Line 4');
  await expect(dialog.getByRole('button', { name: 'Import' })).toBeDisabled();
  await text.fill('id_token,status,parent,note\nE2E-F1,accepted,E2E-FILE,"a, b"\nE2E-F2,blocked,E2E-FILE,\n');
  await dialog.getByRole('button', { name: 'Import 2 tokens' }).click();
  await expect(dialog).toContainText('2 tokens taken over');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByRole('row', { name: /E2E-F/ })).toHaveCount(2);
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export' }).click();
  const stream = await (await saved).createReadStream();
  let file = '';
  for await (const chunk of stream) file += String(chunk);
  expect(file).toContain('E2E-F1,,accepted,,E2E-FILE,,,false,,"a, b",');
});

test('what holds for unknown tokens is decided', async ({ page }) => {
  await enter(page, '/id-tokens');
  await page.getByRole('button', { name: 'Unknown tokens' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('radio', { name: 'May charge' })).toBeChecked();
  await dialog.getByLabel('Master group, if any').fill('E2E-MASTER');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Unknown tokens' }).click();
  await expect(dialog.getByLabel('Master group, if any')).toHaveValue('E2E-MASTER');
  await dialog.getByLabel('Master group, if any').fill('');
  await dialog.getByRole('button', { name: 'Save' }).click();
});

test('a station is given a local list, and holds it', async ({ page }) => {
  test.setTimeout(90_000);
  await enter(page, '/id-tokens/lists?q=E2E-DESK');
  await page.getByRole('button', { name: 'Set for 1 station…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: 'Chosen ones' }).check();
  await dialog.getByLabel('All of these parents').fill('E2E-FILE');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const row = page.getByRole('row', { name: /E2E-DESK/ });
  await expect(row).toContainText('1 parent');
  await row.getByRole('button', { name: 'Update the list of E2E-DESK' }).click();
  await expect(row).toContainText('Up to date', { timeout: 40_000 });
  expect(await violations(page)).toEqual([]);
});
