import { enter, expect, test } from './support';

test('the operator says who it is, invites a partner, and ends with it', async ({ page }) => {
  await enter(page, '/partners');
  const first = page.getByRole('button', { name: 'Say who we are' });
  const change = page.getByRole('button', { name: 'Change' });
  await first.or(change).click();
  const dialog = page.getByRole('dialog');
  for (const [label, value] of [
    ['Name of the operator', 'Harbour Charge'],
    ['Country', 'DE'],
    ['Party id', 'HAR'],
    ['Currency', 'EUR'],
    ['Address of this server', 'https://charge.example.org'],
  ] as const)
    await dialog.getByLabel(label).fill(value);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText('DE*HAR')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Not shown to partners' })).toBeVisible();

  const name = `Drive Pass ${Date.now()}`;
  await page.getByRole('button', { name: 'Add a partner' }).click();
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect(dialog).toContainText(`${name} may come`);
  await expect(dialog.getByRole('button', { name: 'Copy token' })).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  const row = page.getByRole('row').filter({ hasText: name });
  await expect(row).toContainText('Invited, has not come yet');
  await row.getByRole('button', { name: `End with ${name}` }).click();
  await expect(dialog.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await dialog.getByRole('button', { name: 'End', exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(row).not.toContainText('Invited');
});
