import type { Transaction } from '@/api/types';
import { dateTime, exactEnergy } from '@/ui/format';
import { DataTable, type Column } from '@/ui/table';
import { segmentWord } from './flags';

type Segment = Transaction['segments'][number];

const columns: readonly Column<Segment>[] = [
  {
    key: 'kind',
    label: 'Stretch',
    cell: (s) => (
      <span className="tag" data-tone={s.kind === 'metered' ? undefined : 'warn'}>
        {segmentWord(s.kind)}
      </span>
    ),
  },
  { key: 'from', label: 'From', wide: true, cell: (s) => <span className="num">{dateTime(s.from)}</span> },
  { key: 'to', label: 'To', wide: true, cell: (s) => <span className="num">{dateTime(s.to)}</span> },
  { key: 'first', label: 'First reading', align: 'right', wide: true, cell: (s) => exactEnergy(s.from_wh) },
  { key: 'last', label: 'Last reading', align: 'right', wide: true, cell: (s) => exactEnergy(s.to_wh) },
  {
    key: 'billed',
    label: 'Counts',
    align: 'right',
    cell: (s) => <strong>{exactEnergy(s.energy_wh)}</strong>,
  },
];

/** How the energy comes about, where the meter did more than rise. */
export function Ledger({ segments }: { segments: readonly Segment[] }) {
  if (segments.every((s) => s.kind === 'metered')) return null;
  return (
    <section className="panel" aria-labelledby="ledger">
      <header className="panel-head">
        <h2 id="ledger">How the energy comes about</h2>
      </header>
      <DataTable
        caption="Stretches of readings"
        columns={columns}
        rows={segments}
        rowKey={(s) => `${s.kind} ${s.from} ${s.from_wh}`}
        empty={null}
      />
    </section>
  );
}
