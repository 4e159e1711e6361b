import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, seg } from '@/api/client';
import {
  filedQuery,
  policies,
  policyWords,
  stationPolicyQuery,
  violationsKey,
  type Policy,
  type StationRule,
  type ValidationRule,
} from '@/api/desk';
import { Field } from '@/ui/field';
import { FormDialog } from '@/ui/form-dialog';
import { dateTime, sentence } from '@/ui/format';
import { Segments } from '@/ui/segments';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';
import { FiledList } from './filed';
import { makeName, type Make } from './makes';
import './violations.css';

const tones: Readonly<Record<Policy, 'good' | 'warn' | undefined>> = {
  strict: undefined,
  lenient: 'good',
  quarantine: 'warn',
};

export function PolicyTag({ policy, byDefault }: { policy: Policy | undefined; byDefault: boolean }) {
  if (!policy) return <span className="faint">–</span>;
  return (
    <span className="tag" data-tone={tones[policy]} title={policyWords[policy]}>
      {sentence(policy)}
      {byDefault && <span className="visually-hidden"> by default</span>}
    </span>
  );
}

const settable = policies.map((value) => ({ value, label: sentence(value) }));

/** Sets or takes back how strictly a make is held. */
export function RuleDialog({ make, onClose }: { make: Partial<Make>; onClose: () => void }) {
  const client = useQueryClient();
  const [policy, setPolicy] = useState<Policy>('lenient');
  const save = useMutation({
    mutationFn: (body: Record<string, unknown>) => api.put('/validation', body),
    onSuccess: () => {
      toast('The rule holds from the next message on', { tone: 'good' });
      void client.invalidateQueries({ queryKey: violationsKey });
      onClose();
    },
  });
  const field = (name: 'vendor' | 'model' | 'firmware_version', label: string, hint: string) => (
    <Field label={label} hint={hint}>
      {(field) => (
        <input
          {...field}
          name={name}
          className="input"
          defaultValue={make[name] ?? ''}
          required={name === 'vendor'}
          maxLength={50}
          autoComplete="off"
        />
      )}
    </Field>
  );
  return (
    <FormDialog
      title="How a make is held to the protocol"
      description="The most particular rule holds; one for a station alone holds before all of these."
      confirm="Save the rule"
      busy="Saving…"
      pending={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={(read) =>
        save.mutate({
          vendor: read('vendor'),
          model: read('model') || undefined,
          firmware_version: read('firmware_version') || undefined,
          policy,
        })
      }
    >
      {field('vendor', 'Vendor', 'Exactly as the stations tell at their boot.')}
      {field('model', 'Model', 'Empty for every model of the vendor.')}
      {field('firmware_version', 'Firmware', 'Empty for every firmware; needs a model.')}
      <div className="field">
        <span className="label">Held</span>
        <Segments<Policy> label="Policy" value={policy} onChange={setPolicy} options={settable} />
        <span className="hint">{policyWords[policy]}.</span>
      </div>
    </FormDialog>
  );
}

export function RuleTable({ rules, admin }: { rules: readonly ValidationRule[]; admin: boolean }) {
  const client = useQueryClient();
  const { mutate, isPending } = useMutation({
    mutationFn: ({ vendor, model, firmware_version }: ValidationRule) =>
      api.put('/validation', {
        vendor,
        ...(model == null ? {} : { model }),
        ...(firmware_version == null ? {} : { firmware_version }),
        policy: null,
      }),
    onError: (error) => toast('The rule was not taken back', { tone: 'bad', detail: error.message }),
    onSettled: () => client.invalidateQueries({ queryKey: violationsKey }),
  });
  const columns: readonly Column<ValidationRule>[] = [
    {
      key: 'make',
      label: 'Make',
      sort: (r) => makeName(r),
      cell: (r) => (
        <>
          <strong>{makeName(r)}</strong>{' '}
          <span className="sub">{r.firmware_version ?? (r.model ? 'every firmware' : 'every model')}</span>
        </>
      ),
    },
    { key: 'policy', label: 'Held', cell: (r) => <PolicyTag policy={r.policy} byDefault={false} /> },
    { key: 'by', label: 'By', wide: true, sort: (r) => r.set_by, cell: (r) => r.set_by },
    { key: 'at', label: 'Since', wide: true, sort: (r) => r.set_at, cell: (r) => dateTime(r.set_at) },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (r) =>
        admin && (
          <button
            type="button"
            className="btn btn-ghost btn-sm"
            disabled={isPending}
            aria-label={`Take back the rule for ${makeName(r)}`}
            onClick={() => mutate(r)}
          >
            Take back
          </button>
        ),
    },
  ];
  return (
    <section className="panel" aria-labelledby="rules">
      <header className="panel-head">
        <h2 id="rules">Rules for makes</h2>
      </header>
      <DataTable
        caption="Rules for makes"
        columns={columns}
        rows={rules}
        rowKey={(r) => [r.vendor, r.model, r.firmware_version].join('\n')}
        initialSort={{ key: 'make', dir: 'asc' }}
        empty={null}
      />
    </section>
  );
}

/** Stations that are held otherwise than their make. */
export function StationRuleTable({ rules, admin }: { rules: readonly StationRule[]; admin: boolean }) {
  const client = useQueryClient();
  const { mutate, isPending } = useMutation({
    mutationFn: (r: StationRule) => api.put(`/stations/${seg(r.station)}/validation`, { policy: null }),
    onError: (error) => toast('The rule was not taken back', { tone: 'bad', detail: error.message }),
    onSettled: () => client.invalidateQueries({ queryKey: violationsKey }),
  });
  const columns: readonly Column<StationRule>[] = [
    {
      key: 'station',
      label: 'Station',
      sort: (r) => r.station,
      cell: (r) => (
        <Link to="/stations/$stationId/$tab" params={{ stationId: r.station, tab: 'security' }}>
          {r.station}
        </Link>
      ),
    },
    {
      key: 'policy',
      label: 'Held',
      sort: (r) => r.policy,
      cell: (r) => <PolicyTag policy={r.policy} byDefault={false} />,
    },
    { key: 'by', label: 'By', wide: true, sort: (r) => r.set_by, cell: (r) => r.set_by },
    { key: 'at', label: 'Since', wide: true, sort: (r) => r.set_at, cell: (r) => dateTime(r.set_at) },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (r) =>
        admin && (
          <button
            type="button"
            className="btn btn-ghost btn-sm"
            disabled={isPending}
            aria-label={`Take back the rule for ${r.station}`}
            onClick={() => mutate(r)}
          >
            Take back
          </button>
        ),
    },
  ];
  return (
    <section className="panel" aria-labelledby="station-rules">
      <header className="panel-head">
        <h2 id="station-rules">Rules for single stations</h2>
        <span className="aside">These hold before those for makes</span>
      </header>
      <DataTable
        caption="Rules for single stations"
        columns={columns}
        rows={rules}
        rowKey={(r) => r.station}
        initialSort={{ key: 'station', dir: 'asc' }}
        empty={null}
      />
    </section>
  );
}

type Choice = Policy | 'make';

/** How one station is held to the protocol, and how it broke it. */
export function StationPolicyPanel({ station, admin }: { station: string; admin: boolean }) {
  const client = useQueryClient();
  const [limit, setLimit] = useState(20);
  const { data, error, refetch } = useQuery(stationPolicyQuery(station));
  const filed = useQuery(filedQuery(station, limit));
  const set = useMutation({
    mutationFn: (choice: Choice) =>
      api.put(`/stations/${seg(station)}/validation`, { policy: choice === 'make' ? null : choice }),
    onSuccess: () => toast('It holds from the next message on', { tone: 'good' }),
    onError: (e) => toast('The policy was not changed', { tone: 'bad', detail: e.message }),
    onSettled: () => client.invalidateQueries({ queryKey: violationsKey }),
  });
  return (
    <section className="panel" aria-labelledby="protocol">
      <header className="panel-head" style={{ flexWrap: 'wrap' }}>
        <h2 id="protocol">Keeping to the protocol</h2>
        {data && admin && (
          <Segments<Choice>
            label="How strictly this station is held"
            value={set.isPending ? set.variables : (data.own ?? 'make')}
            onChange={(choice) => set.mutate(choice)}
            options={[{ value: 'make', label: 'As its make' }, ...settable]}
          />
        )}
      </header>
      {error && !data ? (
        <ErrorState error={error} retry={() => void refetch()} what="The policy" />
      ) : !data ? (
        <SkeletonBlock lines={2} />
      ) : (
        <p className="policy-line">
          <PolicyTag policy={data.policy} byDefault={data.own == null} /> {policyWords[data.policy]}
          {data.own == null && ', by its make or by default'}.
        </p>
      )}
      <FiledList
        rows={filed.data?.items}
        more={filed.data?.next && limit < 500 ? () => setLimit(Math.min(500, limit * 2)) : null}
      />
    </section>
  );
}
