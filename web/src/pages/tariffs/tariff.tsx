import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useDeferredValue, useState, type FormEvent } from 'react';
import { api, ApiError, seg } from '@/api/client';
import {
  previewQuery,
  tariffQuery,
  tariffsKey,
  versionsQuery,
  type Tariff,
  type TariffSpec,
} from '@/api/tariffs';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { dateTime, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { toast } from '@/ui/toast';
import { CostTable } from './cost-table';
import { readDecimal, toSpec } from './draft';
import { ElementEditor } from './element-editor';
import { thousandfold } from './money';
import './tariffs.css';

const route = getRouteApi('/shell/tariffs/$tariffId');

/** What a session would cost by the version that is saved. */
function Preview({ tariff, edited }: { tariff: Tariff; edited: boolean }) {
  const [kwh, setKwh] = useState('20');
  const [minutes, setMinutes] = useState('60');
  const [idle, setIdle] = useState('0');
  const [zone, setZone] = useState(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [at, setAt] = useState(() => {
    const now = new Date();
    return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  });
  const whole = (text: string) => Math.round(Math.min(30 * 24 * 60, Math.max(0, Number(text) || 0)) * 60);
  const input = useDeferredValue({
    energy_wh: thousandfold(readDecimal(kwh) ?? '0'),
    duration_s: whole(minutes),
    idle_s: whole(idle),
    start: (Number.isNaN(Date.parse(at)) ? new Date() : new Date(at)).toISOString(),
    time_zone: zone,
  });
  const { data, error } = useQuery({
    ...previewQuery(tariff.id, tariff.version, input),
    placeholderData: keepPreviousData,
  });
  const fields: [string, string, (text: string) => void, 'decimal' | 'numeric'][] = [
    ['Energy, kWh', kwh, setKwh, 'decimal'],
    ['Charging, minutes', minutes, setMinutes, 'numeric'],
    ['Idle after it, minutes', idle, setIdle, 'numeric'],
  ];
  return (
    <section className="panel" aria-labelledby="preview">
      <header className="panel-head">
        <h2 id="preview">What a session would cost</h2>
        <span className="aside">
          {edited ? `Of version ${tariff.version}: save to see the change` : `Version ${tariff.version}`}
        </span>
      </header>
      <div className="tariff-sum">
        {fields.map(([label, value, set, mode], i) => (
          <div className="field" key={label}>
            <label htmlFor={`pv-${i}`}>{label}</label>
            <input
              id={`pv-${i}`}
              className="input num"
              inputMode={mode}
              value={value}
              onChange={(event) => set(event.target.value)}
            />
          </div>
        ))}
        <div className="field">
          <label htmlFor="pv-at">Starts</label>
          <input
            id="pv-at"
            className="input"
            type="datetime-local"
            value={at}
            onChange={(event) => setAt(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor="pv-zone">Time zone of the site</label>
          <input
            id="pv-zone"
            className="input mono"
            value={zone}
            onChange={(event) => setZone(event.target.value)}
          />
        </div>
      </div>
      <div role="status" aria-live="polite">
        {error ? (
          <p className="field receipt-note">
            <span className="problem">{sentence(error.message)}</span>
          </p>
        ) : data ? (
          <CostTable cost={data} caption="What the session would cost" />
        ) : (
          <SkeletonBlock lines={3} />
        )}
      </div>
    </section>
  );
}

function Versions({ id }: { id: string }) {
  const { data } = useQuery(versionsQuery(id));
  return (
    <section className="panel" aria-labelledby="versions">
      <header className="panel-head">
        <h2 id="versions">Versions</h2>
        <span className="aside">None is ever changed: receipts name theirs</span>
      </header>
      {!data ? (
        <SkeletonBlock lines={2} />
      ) : (
        <ol className="tariff-versions" reversed>
          {data.items.map((v) => (
            <li key={v.version}>
              <strong className="num">{v.version}</strong> {v.name}{' '}
              <span className="sub">
                {dateTime(v.created_at)}, {v.created_by}
              </span>
              <details>
                <summary className="muted">As it was written</summary>
                <pre className="code" tabIndex={0}>
                  {JSON.stringify(v.tariff, null, 2)}
                </pre>
              </details>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Editor({ tariff }: { tariff: Tariff }) {
  const client = useQueryClient();
  const session = useSession();
  const [name, setName] = useState(tariff.name);
  const [draft, setDraft] = useState<TariffSpec>(tariff.tariff);
  const disabled = !may(session?.role, 'admin') || tariff.retired;
  const edited = name !== tariff.name || JSON.stringify(draft) !== JSON.stringify(tariff.tariff);
  const read = toSpec(draft);
  const save = useMutation({
    mutationFn: (spec: TariffSpec) =>
      api.put<Tariff>(`/tariffs/${seg(tariff.id)}`, { name: name.trim(), tariff: spec }),
    onSuccess: (next) => {
      client.setQueryData(tariffQuery(tariff.id).queryKey, next);
      void client.invalidateQueries({ queryKey: tariffsKey });
      setName(next.name);
      setDraft(next.tariff);
      toast(`Version ${next.version} saved`, { tone: 'good', detail: 'It prices what starts from now on.' });
    },
  });
  const retire = useMutation({
    mutationFn: () => api.delete(`/tariffs/${seg(tariff.id)}`),
    onSuccess: () => void client.invalidateQueries({ queryKey: tariffsKey }),
    onError: (error) => toast('The tariff was not retired', { tone: 'bad', detail: error.message }),
  });
  const problem = 'problem' in read ? read.problem : null;
  const refused = save.error instanceof ApiError ? save.error : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if ('spec' in read) save.mutate(read.spec);
  };
  const elements = (list: TariffSpec['elements']) => setDraft({ ...draft, elements: list });
  return (
    <>
      <form onSubmit={submit} className="panel" aria-labelledby="prices">
        <header className="panel-head">
          <h2 id="prices">Prices in {draft.currency}</h2>
          <span className="aside">The first group that holds gives the price of a kind</span>
        </header>
        <div className="tariff-sum">
          <div className="field">
            <label htmlFor="tariff-title">Name</label>
            <input
              id="tariff-title"
              className="input"
              required
              maxLength={200}
              disabled={disabled}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </div>
          <div className="field">
            <label htmlFor="tariff-min">At least, without tax</label>
            <input
              id="tariff-min"
              className="input num"
              inputMode="decimal"
              placeholder="no minimum"
              disabled={disabled}
              value={draft.min_price?.net ?? ''}
              onChange={(event) =>
                setDraft({ ...draft, min_price: { ...draft.min_price, net: event.target.value } })
              }
            />
          </div>
          <div className="field">
            <label htmlFor="tariff-max">At most, without tax</label>
            <input
              id="tariff-max"
              className="input num"
              inputMode="decimal"
              placeholder="no maximum"
              disabled={disabled}
              value={draft.max_price?.net ?? ''}
              onChange={(event) =>
                setDraft({ ...draft, max_price: { ...draft.max_price, net: event.target.value } })
              }
            />
          </div>
          <div className="field">
            <label htmlFor="tariff-grace">Idle time that is free, minutes</label>
            <input
              id="tariff-grace"
              className="input num"
              type="number"
              min={0}
              max={1440}
              disabled={disabled}
              value={Math.round((draft.idle_grace_s ?? 0) / 60)}
              onChange={(event) => setDraft({ ...draft, idle_grace_s: Number(event.target.value) * 60 })}
            />
          </div>
        </div>
        {draft.elements.map((element, i) => (
          <ElementEditor
            key={i}
            index={i}
            element={element}
            disabled={disabled}
            onChange={(next) => elements(draft.elements.map((e, k) => (k === i ? next : e)))}
            onRemove={
              draft.elements.length > 1 ? () => elements(draft.elements.filter((_, k) => k !== i)) : null
            }
          />
        ))}
        {!disabled && (
          <footer className="tariff-element">
            {(problem ?? refused) && (
              <p className="field" role="alert">
                <span className="problem">{problem ?? sentence(refused?.message ?? '')}</span>
              </p>
            )}
            <div className="page-actions">
              <button
                type="button"
                className="btn"
                onClick={() =>
                  elements([...draft.elements, { components: [{ kind: 'energy', price: '0' }] }])
                }
              >
                <Icon name="plus" size={14} /> Further prices
              </button>
              <button
                type="button"
                className="btn"
                disabled={!edited || save.isPending}
                onClick={() => {
                  setDraft(tariff.tariff);
                  setName(tariff.name);
                }}
              >
                Undo changes
              </button>
              <button
                type="submit"
                className="btn btn-primary"
                disabled={!edited || problem !== null || save.isPending}
              >
                {save.isPending ? 'Saving…' : `Save as version ${tariff.version + 1}`}
              </button>
              <button
                type="button"
                className="btn"
                disabled={retire.isPending}
                onClick={() => retire.mutate()}
              >
                Retire
              </button>
            </div>
          </footer>
        )}
      </form>
      <Preview tariff={tariff} edited={edited} />
    </>
  );
}

export function TariffPage() {
  const { tariffId } = route.useParams();
  const { data, error, refetch } = useQuery(tariffQuery(tariffId));
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <nav className="crumb" aria-label="Breadcrumb">
            <Link to="/tariffs">Tariffs</Link>
            <Icon name="chevronRight" size={10} />
            <span aria-current="page">{tariffId}</span>
          </nav>
          <div className="title-line">
            <h1>{data?.name ?? tariffId}</h1>
            {data && <span className="tag">version {data.version}</span>}
            {data?.retired && <span className="tag">retired</span>}
          </div>
        </div>
      </header>
      {error && !data ? (
        <ErrorState error={error} retry={() => void refetch()} what={`Tariff ${tariffId}`} />
      ) : !data ? (
        <SkeletonBlock lines={8} />
      ) : (
        <>
          <Editor key={data.id} tariff={data} />
          <Versions id={data.id} />
        </>
      )}
    </div>
  );
}
