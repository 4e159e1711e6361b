import { enter, expect, first, go, test } from './support';

const ROGUE = 'E2E-ROGUE';

interface Alarm {
  id: string;
  code: string;
  station: string | null;
  acknowledged_at: string | null;
}

test('a firmware that begins to break the protocol raises an alarm, which is acknowledged', async ({
  page,
}) => {
  await enter(page, '/alarms');
  const acknowledge = page.getByRole('button', {
    name: `Acknowledge ProtocolViolations at ${ROGUE}`,
    exact: true,
  });
  await expect(acknowledge).toBeVisible();
  await expect(
    page.getByText('Firmware 2.1.0 of Desk Works DW-2 was clean and now breaks the protocol'),
  ).toBeVisible();
  await acknowledge.click();
  await expect(page.getByRole('status').filter({ hasText: 'Alarm acknowledged' })).toBeVisible();
  const of = (a: Alarm) => a.code === 'ProtocolViolations' && a.station === ROGUE;
  await expect
    .poll(async () => (await first<Alarm>(page, '/alarms?state=open', of)).acknowledged_at)
    .not.toBeNull();
});

test('who breaks the protocol and who is in quarantine is in the picture and in the table', async ({
  page,
}) => {
  await enter(page, '/?view=table');
  const row = page.getByRole('row').filter({ hasText: ROGUE });
  await expect(row).toContainText(/\d+ breach/);
  await row.click();
  await expect(page.locator('.inspector').getByRole('link', { name: /breach/ })).toBeVisible();

  await go(page, `/stations/${ROGUE}/security`);
  const policy = page.getByRole('radiogroup', { name: 'How strictly this station is held' });
  await policy.getByRole('radio', { name: 'Quarantine' }).click();
  await expect(page.getByText('As lenient, but only transactions count.')).toBeVisible();
  await go(page, '/?view=table');
  await expect(row).toContainText('Quarantine');
  await go(page, '/');
  const signs = page.getByRole('list', { name: 'Signs' });
  await expect(signs).toContainText(/\d+ broke it within the hour, 1 in quarantine/);

  await go(page, '/violations');
  const rule = page.getByRole('button', { name: `Take back the rule for ${ROGUE}` });
  await rule.click();
  await expect(rule).toHaveCount(0);
  await go(page, '/');
  await expect(signs).toContainText('0 in quarantine');
});

test('the colour of stations tells their version, and the address keeps it', async ({ page }) => {
  await enter(page, '/');
  await page.getByRole('radio', { name: 'OCPP', exact: true }).click();
  await expect(page).toHaveURL(/color=ocpp/);
  const legend = page.getByRole('list', { name: 'Stations by OCPP' });
  await expect(legend).toContainText('OCPP 2.1');
  await expect(legend).toContainText('OCPP 1.6');
  await page.reload();
  await expect(legend).toBeVisible();
  await page.getByRole('radio', { name: 'Firmware' }).click();
  await expect(page.getByRole('list', { name: 'Stations by Firmware' })).toContainText('others');
  await page.getByRole('radio', { name: 'Use', exact: true }).click();
  await expect(page.getByRole('list', { name: 'Stations by Use' })).toContainText('Not used');
});
