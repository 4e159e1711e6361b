import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import {
  batteriesQuery,
  batteryCompareQuery,
  type BatteryComparison,
  type BatteryDetail,
} from '@/api/batteries';
import { useList } from '@/api/use-list';
import { PageHead } from '@/app/page-head';
import { Field } from '@/ui/field';
import { measure, percent } from '@/ui/format';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { SyncBadge, WarningTag } from './parts';
import { Plot } from './plot';
import { bounded, signed, YEAR } from './words';
import './batteries.css';

const route = getRouteApi('/shell/batteries/compare');

interface Row {
  label: string;
  of: (b: BatteryDetail) => React.ReactNode;
  difference?: (d: BatteryComparison['difference']) => string;
}

const points = (v: number | null | undefined) => (v == null ? '–' : `${signed(v * 100)} points`);

const rows: readonly Row[] = [
  { label: 'Twin', of: (b) => <SyncBadge of={b} /> },
  { label: 'Chemistry', of: (b) => b.chemistry ?? '–' },
  { label: 'State of health', of: (b) => bounded(b.soh), difference: (d) => points(d.soh) },
  { label: 'State of charge', of: (b) => bounded(b.soc), difference: (d) => points(d.soc) },
  {
    label: 'Resistance against new',
    of: (b) => (b.resistance_ratio ? `× ${b.resistance_ratio.value.toFixed(2)}` : '–'),
    difference: (d) => (d.resistance_ratio == null ? '–' : signed(d.resistance_ratio, 2)),
  },
  {
    label: 'Temperature',
    of: (b) => measure(b.temp_c?.value, '°C'),
    difference: (d) => (d.temp_c == null ? '–' : `${signed(d.temp_c)} K`),
  },
  {
    label: 'Residual a cell, rms',
    of: (b) => measure(b.residual_rms_v === null ? null : b.residual_rms_v * 1000, 'mV'),
  },
  {
    label: 'Warnings',
    of: (b) =>
      b.warnings.length === 0
        ? 'None'
        : b.warnings.map((w) => <WarningTag key={`${w.cause}${w.cell ?? ''}`} warning={w} />),
  },
];

function Comparison({ of }: { of: BatteryComparison }) {
  const name = (b: BatteryDetail) => b.vehicle_name ?? b.id;
  const [a, b] = [name(of.a), name(of.b) === name(of.a) ? of.b.id : name(of.b)];
  const line = (title: string, color: string, curve: typeof of.forecast.a) => ({
    name: title,
    color,
    points: curve.map((p) => ({ x: p.days / YEAR, y: p.soh.value, low: p.soh.low, high: p.soh.high })),
  });
  return (
    <>
      <section className="panel" aria-label="Side by side">
        <div className="table-wrap">
          <table className="table compare">
            <caption className="visually-hidden">Two packs side by side</caption>
            <thead>
              <tr>
                <th scope="col">
                  <span className="visually-hidden">Figure</span>
                </th>
                {[of.a, of.b].map((pack, i) => (
                  <th scope="col" key={pack.id}>
                    <Link to="/batteries/$batteryId" params={{ batteryId: pack.id }} className="link">
                      {i === 0 ? a : b}
                    </Link>
                  </th>
                ))}
                <th scope="col" className="right">
                  Second less first
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.label}>
                  <th scope="row">{row.label}</th>
                  <td>{row.of(of.a)}</td>
                  <td>{row.of(of.b)}</td>
                  <td className="right num">{row.difference?.(of.difference) ?? ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section className="panel" aria-labelledby="both">
        <header className="panel-head">
          <h2 id="both">Health to come</h2>
        </header>
        <Plot
          summary={`Health to come of ${a} and of ${b}`}
          lines={[
            line(a, 'var(--series-s1)', of.forecast.a),
            { ...line(b, 'var(--series-s2)', of.forecast.b), dash: '6 3' },
          ]}
          x={{ format: (v) => String(v), label: 'Years from now', min: 0 }}
          y={{ format: (v) => percent(v) }}
        />
      </section>
    </>
  );
}

export function ComparePage() {
  const { a = '', b = '' } = route.useSearch();
  const navigate = useNavigate({ from: '/batteries/compare' });
  const packs = useList(batteriesQuery({ sort: 'id', order: 'asc' }));
  const query = useQuery(batteryCompareQuery(a, b));
  const pick = (label: string, value: string, other: string, set: (id: string) => void) => (
    <Field label={label}>
      {(props) => (
        <select {...props} className="input" value={value} onChange={(e) => set(e.target.value)}>
          <option value="">Choose a pack…</option>
          {value !== '' && !packs.rows?.some((p) => p.id === value) && <option value={value}>{value}</option>}
          {packs.rows
            ?.filter((p) => p.id !== other)
            .map((p) => (
              <option key={p.id} value={p.id}>
                {p.vehicle_name ?? p.vehicle ?? p.id}
                {p.soh ? `, ${percent(p.soh.value)} health` : ''}
              </option>
            ))}
        </select>
      )}
    </Field>
  );
  return (
    <div className="page">
      <PageHead
        parent={{ to: '/batteries', label: 'Batteries' }}
        here="Compare"
        title="Two batteries compared"
      />
      <div className="compare-pick">
        {pick('First', a, b, (id) => void navigate({ search: { a: id, b }, replace: true }))}
        {pick('Second', b, a, (id) => void navigate({ search: { a, b: id }, replace: true }))}
      </div>
      {a === '' || b === '' ? (
        <EmptyState icon="battery" title="Choose two packs">
          Their state, their warnings and what they are about to lose stand side by side.
        </EmptyState>
      ) : query.error && !query.data ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="The comparison" />
      ) : query.data ? (
        <Comparison of={query.data} />
      ) : (
        <SkeletonBlock lines={8} />
      )}
    </div>
  );
}
