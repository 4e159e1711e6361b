import { enter, expect, first, test } from './support';

interface Alarm {
  id: string;
  twin: string;
  code: string;
  acknowledged_at: string | null;
}

interface Transaction {
  transaction_id: string;
  station: string;
  evse: number | null;
  connector: number | null;
}

test('remote stop ends in what the station itself said', async ({ page }) => {
  await enter(page);
  const transaction = await first<Transaction>(page, '/transactions?state=active', (t) => t.evse !== null);
  await page.goto(`/stations/${encodeURIComponent(transaction.station)}`);
  const further = (transaction.connector ?? 1) > 1 ? `.${transaction.connector}` : '';
  const stop = `Stop charging on Connector ${transaction.evse}${further}`;
  await page.getByRole('button', { name: stop, exact: true }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText(transaction.transaction_id);
  await dialog.getByRole('button', { name: 'Stop charging' }).click();
  await expect(dialog.getByText(/(Accepted|Rejected) by the station|^Failed/)).toBeVisible({
    timeout: 40_000,
  });
  const command = await first<{ station: string; state: string }>(
    page,
    `/commands?station=${encodeURIComponent(transaction.station)}`,
  );
  const words: Record<string, string> = {
    accepted: 'Accepted by the station',
    rejected: 'Rejected by the station',
    failed: 'Failed',
  };
  await expect(dialog).toContainText(words[command.state] ?? 'no such state');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(dialog).toBeHidden();
});

test('an alarm is acknowledged and says by whom', async ({ page }) => {
  await enter(page);
  const alarm = await first<Alarm>(page, '/alarms?state=open', (a) => a.acknowledged_at === null);
  await page.goto('/alarms?status=all');
  const button = page
    .getByRole('button', { name: `Acknowledge ${alarm.code} at ${alarm.twin}`, exact: true })
    .first();
  await button.click();
  await expect(page.getByRole('status').filter({ hasText: 'Alarm acknowledged' })).toBeVisible();
  await expect
    .poll(
      async () => (await first<Alarm>(page, '/alarms?state=all', (a) => a.id === alarm.id)).acknowledged_at,
    )
    .not.toBeNull();
});

test('the selection is in the address and comes back with it', async ({ page }) => {
  await enter(page);
  const station = await first<{ id: string; name: string | null }>(page, '/stations');
  await page.goto(`/?sel=station:${encodeURIComponent(station.id)}&view=table`);
  await expect(page.locator('.inspector')).toContainText(station.name ?? station.id);
  await page.reload();
  await expect(page.locator('.inspector')).toContainText(station.name ?? station.id);
  await page.getByRole('button', { name: 'Close the selection' }).click();
  await expect(page).not.toHaveURL(/sel=/);
});
