import { readFileSync } from 'node:fs';
import { enter, expect, first, test } from './support';

/** A real station of OCPP 2.1 that the harness runs. */
const station = process.env.VOLTWIN_STATION ?? 'E2E-METER';
const desk = `/stations/${encodeURIComponent(station)}/commands`;

interface Command {
  action: string;
  state: string;
  payload: unknown;
}

test('the schemas that forms are tested with are those of the server', async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page);
  const tested = JSON.parse(
    readFileSync(new URL('../src/ocpp-form/actions.generated.json', import.meta.url), 'utf8'),
  ) as Record<string, Record<string, unknown>>;
  for (const [version, actions] of Object.entries(tested)) {
    const response = await page.request.get(`/api/v1/ocpp/actions?version=${version}`);
    const { actions: served } = (await response.json()) as {
      actions: { action: string; request: unknown }[];
    };
    expect(Object.fromEntries(served.map((a) => [a.action, a.request]))).toEqual(actions);
  }
});

test('an action is found by what it does, filled in, and answered by the station', async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page, desk);
  await page.getByLabel('Search actions').fill('reads variables');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/action=GetVariables/);
  const form = page.getByRole('form', { name: 'GetVariables' });
  const send = form.getByRole('button', { name: `Send to ${station}` });

  // Nothing goes out before the fields hold.
  await send.click();
  await expect(form.getByRole('alert')).toContainText('2 fields need a look');
  const component = form.locator('[id$="getVariableData-0-component-name"]');
  await component.fill('ChargingStation');
  await form.locator('[id$="getVariableData-0-variable-name"]').fill('Model');
  await expect(form.getByRole('alert')).toBeHidden();

  // JSON is the same payload.
  await form.getByRole('radio', { name: 'JSON' }).click();
  const payload = {
    getVariableData: [{ component: { name: 'ChargingStation' }, variable: { name: 'Model' } }],
  };
  expect(JSON.parse(await form.getByLabel('Payload', { exact: true }).inputValue())).toEqual(payload);
  await form.getByRole('radio', { name: 'Form' }).click();
  await send.click();
  await expect(page.getByText('Accepted by the station')).toBeVisible({ timeout: 40_000 });
  await expect(page.getByRole('region', { name: 'The station’s answer' })).toContainText('ChargingStation');
  const command = await first<Command>(
    page,
    `/commands?station=${encodeURIComponent(station)}`,
    (c) => c.action === 'GetVariables',
  );
  expect(command).toMatchObject({ state: 'accepted', payload });

  // What was sent can be sent again.
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(component).toHaveValue('');
  await page
    .getByRole('row', { name: /GetVariables/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Use again' }).click();
  await expect(component).toHaveValue('ChargingStation');
});

test('an error of the station is said in its words', async ({ page }) => {
  test.setTimeout(120_000);
  await enter(page);
  // Stations of the demonstration city know few actions, and say so.
  const { id } = await first<{ id: string; online: boolean }>(
    page,
    '/stations',
    (s) => s.online && s.id.startsWith('ST-'),
  );
  await page.goto(`/stations/${encodeURIComponent(id)}/commands?action=GetLocalListVersion`);
  await page.getByRole('button', { name: `Send to ${id}` }).click();
  await expect(page.getByText(/the station answered with an error/)).toBeVisible({ timeout: 40_000 });
  await page.getByText('Payload as sent').click();
  await expect(page.getByRole('region', { name: 'Payload of GetLocalListVersion' })).toBeVisible();
});
