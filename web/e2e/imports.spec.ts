import { readFileSync } from 'node:fs';
import { enter, expect, test, violations } from './support';

const HEADER = [{ Section: 'Header' }, { fileVersion: '1.0.0' }];
const zone = (id: string) => ({
  $dtId: id,
  $metadata: { $model: 'dtmi:voltwin:Zone;1' },
  name: `Zone ${id}`,
});

const file = (name: string, rows: readonly object[]) => ({
  name,
  mimeType: 'application/x-ndjson',
  buffer: Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join('')),
});

test('a file is imported; what is wrong with it is told line by line', async ({ page }) => {
  const [first, second] = [`e2e-import-${Date.now()}`, `e2e-import-${Date.now()}-b`];
  await enter(page, '/graph?view=list');
  await page.getByRole('button', { name: 'Import' }).click();
  const dialog = page.getByRole('dialog');
  const choose = dialog.getByLabel('Choose a file');
  const start = dialog.getByRole('button', { name: 'Import', exact: true });
  await choose.setInputFiles({ name: 'sites.csv', mimeType: 'text/csv', buffer: Buffer.from('id,name\n') });
  await expect(dialog.getByRole('alert')).toContainText('Line 1 must be');
  await expect(start).toBeDisabled();

  await dialog.locator('input[type=file]').setInputFiles(
    file('zones.ndjson', [
      ...HEADER,
      { Section: 'Twins' },
      zone(first),
      { ...zone('e2e-import-odd'), height: 3 },
      { Section: 'Relationships' },
      {
        $sourceId: first,
        $relationshipId: 'r',
        $targetId: 'e2e-import-none',
        $relationshipName: 'contains',
      },
    ]),
  );
  await start.click();
  await expect(dialog.getByText('Not everything was taken')).toBeVisible();
  const faults = dialog.getByRole('list', { name: 'Lines at fault' });
  await expect(faults.getByRole('listitem')).toHaveCount(2);
  await expect(faults).toContainText('Line 5');
  await expect(faults).toContainText('height');
  await expect(faults).toContainText('Line 7');
  const twins = dialog.getByRole('row').filter({ hasText: 'Twins' });
  await expect(twins).toContainText('1');
  expect(await violations(page)).toEqual([]);
  const download = page.waitForEvent('download');
  await dialog.getByRole('link', { name: 'The log' }).click();
  const log = readFileSync(await (await download).path(), 'utf8');
  expect(log).toContain('"line":5');

  await dialog.getByRole('button', { name: 'Another one' }).click();
  await expect(dialog.getByRole('list').getByText('zones.ndjson-')).not.toHaveCount(0);
  await dialog
    .locator('input[type=file]')
    .setInputFiles(file('more.ndjson', [...HEADER, { Section: 'Twins' }, zone(second)]));
  await page.keyboard.press('Tab');
  await start.press('Enter');
  await expect(dialog.getByText('1 entry taken')).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByLabel('Filter twins').fill(second);
  await expect(page.getByRole('row').filter({ hasText: second })).toHaveCount(1);
  for (const id of [first, second]) {
    const gone = await page.request.delete(`/digitaltwins/${id}?api-version=2023-10-31`, {
      headers: { 'x-voltwin': '1' },
    });
    expect(gone.ok(), id).toBe(true);
  }
});

test('an import is followed, and cancelled', async ({ page }) => {
  test.setTimeout(120_000);
  // Nothing of it can be taken: it takes its time and leaves no trace.
  const none = { $metadata: { $model: 'dtmi:example:none;1' } };
  const rows = Array.from({ length: 300_000 }, (_, n) => ({ $dtId: `e2e-${n}`, ...none }));
  await enter(page, '/graph/models');
  await page.getByRole('button', { name: 'Import' }).click();
  const dialog = page.getByRole('dialog');
  await dialog
    .getByLabel('Choose a file')
    .setInputFiles(file('many.ndjson', [...HEADER, { Section: 'Twins' }, ...rows]));
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(dialog.getByRole('progressbar', { name: 'How much of the file is done' })).toBeVisible({
    timeout: 60_000,
  });
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Import' }).click();
  await dialog
    .getByRole('button', { name: /^many\.ndjson-/ })
    .first()
    .click();
  await dialog.getByRole('button', { name: 'Cancel the import' }).click();
  await expect(dialog.getByText('The import was cancelled')).toBeVisible({ timeout: 60_000 });
});
