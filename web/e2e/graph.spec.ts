import { colours, enter, expect, test } from './support';

const STATION = 'ST-01';

test('a twin is found in the list, read, and followed to its neighbours', async ({ page }) => {
  await enter(page, '/graph?view=list');
  await page.getByLabel('Filter twins').fill(STATION);
  const row = page.getByRole('row').filter({ hasText: 'Charging station' }).first();
  await expect(row).toContainText(STATION);
  await row.focus();
  await page.keyboard.press('Enter');
  const twin = page.getByRole('region', { name: `Twin ${STATION}` });
  await expect(twin).toContainText('hasEvse');
  await expect(twin).toContainText('ocpp_version');
  await twin.getByRole('button', { name: 'History of Maximum power' }).click();
  await expect(twin.getByRole('region', { name: 'History' })).toContainText('Maximum power');
  await twin.getByRole('button', { name: `${STATION}:1`, exact: true }).click();
  await expect(page.getByRole('region', { name: `Twin ${STATION}:1` })).toContainText('hasConnector');
  await expect(page).toHaveURL(/twin=ST-01%3A1/);
  await page.getByRole('button', { name: 'Close the twin' }).click();
  await expect(page).not.toHaveURL(/twin=/);
});

test('the graph is drawn by kind, and around one twin', async ({ page }) => {
  await enter(page, `/graph?view=graph&twin=${STATION}`);
  const stage = page.getByRole('region', { name: 'Graph of twins' });
  const scene = stage.getByRole('application');
  await expect(scene).toHaveAccessibleName(/\d+ twins and \d+ relationships in space/);
  await expect(stage.locator('.graph-label-tie').first()).toHaveText(/hasEvse|contains/);
  // A picture that is all of one colour shows nothing.
  await expect.poll(() => colours(stage.locator('canvas')), { timeout: 30_000 }).toBeGreaterThan(20);

  const all = Number(/^\d+/.exec((await scene.getAttribute('aria-label')) ?? '')?.[0]);
  const connectors = stage.getByRole('button', { name: /^Connector \d+$/ });
  await connectors.click();
  await expect(stage.getByRole('button', { name: 'Connector hidden' })).toHaveAttribute(
    'aria-pressed',
    'false',
  );
  await expect(scene).not.toHaveAccessibleName(new RegExp(`^${all} twins`));
  await stage.getByRole('button', { name: 'Connector hidden' }).click();

  await page.getByRole('button', { name: 'Neighbours' }).click();
  await expect(stage.getByRole('button', { name: 'Show all' })).toBeVisible();
  await expect(scene).toHaveAccessibleName(/^[1-9] twins/);
  await stage.getByRole('button', { name: 'Show all' }).click();
  await expect(scene).toHaveAccessibleName(/^\d{2,} twins/);
});

test('a kind tells what it has, what it inherits, and where it is used', async ({ page }) => {
  await enter(page, '/graph/models');
  await page.getByLabel('Filter kinds').fill('vehicle');
  await page
    .getByRole('list', { name: 'Kinds of twin' })
    .getByRole('link', { name: 'Vehicle', exact: true })
    .click();
  const kind = page.getByRole('region', { name: 'Vehicle', exact: true });
  await expect(kind).toContainText('Zone member');
  await expect(kind).toContainText('Zone contains');
  await expect(page.getByRole('region', { name: 'Relationships' })).toContainText('pluggedInto');
  await expect(page.getByRole('region', { name: 'Properties' })).toContainText('odometer_m');
  await expect(page.getByRole('region', { name: 'DTDL', exact: true })).toContainText('dtmi:dtdl:context;3');
  await kind.getByRole('link', { name: /\d+ twins/ }).click();
  await expect(page).toHaveURL(/\/graph\?model=/);
});

test('a query is completed, answered, and its mistake is shown where it is', async ({ page }) => {
  await enter(page, '/graph/query');
  const editor = page.getByRole('textbox', { name: /^Query/ });
  await editor.click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type(
    "SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:voltwin:ChargingStation;1') AND T.ocpp",
  );
  await expect(page.getByRole('option', { name: /ocpp_version/ })).toBeVisible();
  // for a moment the editor takes no Enter for the list, so that nobody takes what has only just come up
  await page.waitForTimeout(300);
  await page.keyboard.press('Enter');
  await expect(editor).toContainText('T.ocpp_version');
  await page.keyboard.type(" = '1.6'");
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Run' }).click();
  const answer = page.getByRole('region', { name: 'Answer' });
  await expect(answer).toContainText('ST-02');
  const download = page.waitForEvent('download');
  await answer.getByRole('button', { name: 'CSV' }).click();
  expect((await download).suggestedFilename()).toBe('answer.csv');
  await expect(page.getByRole('complementary')).toContainText('ocpp_version');

  await editor.click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' AND');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByRole('alert')).toContainText(/line 1, column \d+/i);
  await expect(page.locator('.cm-lintRange-error, .cm-lintPoint-error').first()).toBeVisible();
});
