import { enter, expect, test } from './support';
import type { Page } from '@playwright/test';

/** A partner that lives beside the server under test; `control` orders it about. */
const partner = JSON.parse(process.env.VOLTWIN_PARTNER ?? 'null') as {
  versions: string;
  token: string;
  control: string;
} | null;

interface Known {
  registered: boolean;
  roles: string[];
  detail?: string;
}

async function told(path: string, body?: object): Promise<Known> {
  const answer = await fetch(`${partner?.control}${path}`, {
    method: body ? 'POST' : 'GET',
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const known = (await answer.json()) as Known;
  expect(answer.ok, known.detail).toBe(true);
  return known;
}

async function introduce(page: Page, url: string): Promise<void> {
  await page
    .getByRole('button', { name: 'Say who we are' })
    .or(page.getByRole('button', { name: 'Change' }))
    .click();
  const dialog = page.getByRole('dialog');
  for (const [label, value] of [
    ['Name of the operator', 'Harbour Charge'],
    ['Country', 'DE'],
    ['Party id', 'HAR'],
    ['Currency', 'EUR'],
    ['Address of this server', url],
  ] as const)
    await dialog.getByLabel(label).fill(value);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText('DE*HAR')).toBeVisible();
}

async function end(page: Page, name: string): Promise<void> {
  const row = page.getByRole('row').filter({ hasText: name });
  const dialog = page.getByRole('dialog');
  await row.getByRole('button', { name: `End with ${name}` }).click();
  await expect(dialog.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await dialog.getByRole('button', { name: 'End', exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(row).toContainText('Ended');
}

test('the operator says who it is, invites a partner, and ends with it', async ({ page }) => {
  await enter(page, '/partners');
  await introduce(page, 'https://charge.example.org');
  await expect(page.getByRole('heading', { name: 'Not shown to partners' })).toBeVisible();

  const dialog = page.getByRole('dialog');
  const name = `Drive Pass ${Date.now()}`;
  await page.getByRole('button', { name: 'Add a partner' }).click();
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect(dialog).toContainText(`${name} may come`);
  await expect(dialog.getByRole('button', { name: 'Copy token' })).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByRole('row').filter({ hasText: name })).toContainText('Invited, has not come yet');
  await end(page, name);
});

test('we register with a partner by its address and token', async ({ page, baseURL }) => {
  test.skip(partner === null, 'no partner beside the server');
  await told('/reset', {});
  await enter(page, '/partners');
  await introduce(page, baseURL ?? '');
  const dialog = page.getByRole('dialog');
  const name = `Gives ${Date.now()}`;
  await page.getByRole('button', { name: 'Add a partner' }).click();
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('radio', { name: 'We go to it' }).click();
  await dialog.getByLabel('Address of its versions').fill(partner?.versions ?? '');
  await dialog.getByLabel('Token that it gave us').fill('not-this-one');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect(dialog.getByRole('alert')).toContainText('does not know this token');
  await dialog.getByLabel('Token that it gave us').fill(partner?.token ?? '');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect(dialog).toContainText(`${name} is connected`);
  await expect(dialog).toContainText('EMSP NL*TNM');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByRole('row').filter({ hasText: name })).toContainText('Connected');
  expect((await told('/state')).roles).toEqual(['DE*HAR']);
  await end(page, name);
  expect((await told('/state')).registered).toBe(false);
});

test('a partner comes with the token that it was handed', async ({ page, baseURL }) => {
  test.skip(partner === null, 'no partner beside the server');
  await told('/reset', {});
  await enter(page, '/partners');
  await introduce(page, baseURL ?? '');
  const dialog = page.getByRole('dialog');
  const name = `Takes ${Date.now()}`;
  await page.getByRole('button', { name: 'Add a partner' }).click();
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect(dialog).toContainText(`${name} may come`);
  const [versions_url, token] = await dialog.locator('.secret code').allInnerTexts();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await told('/come', { versions_url, token });
  // The page looks again by itself.
  const row = page.getByRole('row').filter({ hasText: name });
  await expect(row).toContainText('Connected');
  await expect(row).toContainText('EMSP NL*TNM');
  await end(page, name);
});
