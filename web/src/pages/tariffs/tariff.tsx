import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo, useState, type FormEvent } from 'react';
import { api, ApiError, seg } from '@/api/client';
import { tariffQuery, tariffsKey, versionsQuery, type Tariff, type TariffSpec } from '@/api/tariffs';
import { may } from '@/app/session';
import { PageHead } from '@/app/page-head';
import { useSession } from '@/app/use-session';
import { Field } from '@/ui/field';
import { ConfirmDialog } from '@/ui/form-dialog';
import { dateTime, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { toast } from '@/ui/toast';
import { newElement, toDraft, toSpec, type Draft } from './draft';
import { ElementEditor } from './element-editor';
import { Preview, usePreview, useSessionDraft } from './preview';
import { TermsEditor } from './terms-editor';
import { WeekView } from './week-view';
import './tariffs.css';

const route = getRouteApi('/shell/tariffs/$tariffId');

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

function PriceGroups({
  draft,
  disabled,
  problems,
  onChange,
}: {
  draft: Draft;
  disabled: boolean;
  problems: ReadonlyMap<string, string>;
  onChange: (draft: Draft) => void;
}) {
  const { elements } = draft;
  const set = (list: Draft['elements']) => onChange({ ...draft, elements: list });
  return (
    <>
      {elements.map((element, i) => (
        <ElementEditor
          key={i}
          index={i}
          at={`elements[${i}]`}
          element={element}
          disabled={disabled}
          problems={problems}
          onChange={(next) => set(elements.map((e, k) => (k === i ? next : e)))}
          onMove={
            i > 0
              ? () =>
                  set([
                    ...elements.slice(0, i - 1),
                    element,
                    ...elements.slice(i - 1).filter((e) => e !== element),
                  ])
              : null
          }
          onCopy={() =>
            set([...elements.slice(0, i + 1), structuredClone(element), ...elements.slice(i + 1)])
          }
          onRemove={elements.length > 1 ? () => set(elements.filter((_, k) => k !== i)) : null}
        />
      ))}
      {!disabled && elements.length < 100 && (
        <div className="tariff-element">
          <div>
            <button type="button" className="btn btn-sm" onClick={() => set([...elements, newElement()])}>
              <Icon name="plus" size={14} /> Further prices
            </button>
          </div>
        </div>
      )}
    </>
  );
}

function Retire({ tariff, onClose }: { tariff: Tariff; onClose: () => void }) {
  const client = useQueryClient();
  const retire = useMutation({
    mutationFn: () => api.delete(`/tariffs/${seg(tariff.id)}`),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: tariffsKey });
      onClose();
    },
    onError: (error) => toast('The tariff was not retired', { tone: 'bad', detail: error.message }),
  });
  return (
    <ConfirmDialog
      title={`Retire ${tariff.name}`}
      description="It cannot be assigned any more, and nobody can change it. Where it is assigned it goes on until another is."
      confirm="Retire it"
      busy="Retiring…"
      pending={retire.isPending}
      onConfirm={() => retire.mutate()}
      onClose={onClose}
    />
  );
}

function Editor({ tariff }: { tariff: Tariff }) {
  const client = useQueryClient();
  const session = useSession();
  const [name, setName] = useState(tariff.name);
  const saved = useMemo(() => toDraft(tariff.tariff), [tariff]);
  const [draft, setDraft] = useState(saved);
  const [trial, setTrial] = useSessionDraft();
  const [retiring, setRetiring] = useState(false);
  const [terms] = useState(saved.texts.length > 0);
  const disabled = !may(session?.role, 'admin') || tariff.retired;
  const edited = name !== tariff.name || JSON.stringify(draft) !== JSON.stringify(saved);
  const read = useMemo(() => toSpec(draft), [draft]);
  const sound = read.problems.size === 0;
  const preview = usePreview(sound ? read.spec : null, trial);
  const save = useMutation({
    mutationFn: (spec: TariffSpec) =>
      api.put<Tariff>(`/tariffs/${seg(tariff.id)}`, { name: name.trim(), tariff: spec }),
    onSuccess: (next) => {
      client.setQueryData(tariffQuery(tariff.id).queryKey, next);
      void client.invalidateQueries({ queryKey: tariffsKey });
      setName(next.name);
      setDraft(toDraft(next.tariff));
      toast(`Version ${next.version} saved`, { tone: 'good', detail: 'It prices what starts from now on.' });
    },
  });
  const refused = save.error instanceof ApiError ? save.error : null;
  // What only the server can judge stands at its field too.
  const problems = useMemo(() => {
    const all = new Map(read.problems);
    if (sound && preview.field && preview.error) all.set(preview.field, sentence(preview.error.message));
    return all;
  }, [read, sound, preview.field, preview.error]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (problems.size === 0) save.mutate(read.spec);
  };
  const here = { draft, disabled, problems, onChange: setDraft };
  return (
    <div className="tariff-desk">
      <form onSubmit={submit} className="panel" aria-labelledby="prices">
        <header className="panel-head">
          <h2 id="prices">Prices in {draft.currency}</h2>
          <span className="aside">The first group that holds counts</span>
        </header>
        <div className="tariff-sum">
          <Field label="Name">
            {(field) => (
              <input
                {...field}
                className="input"
                required
                maxLength={200}
                disabled={disabled}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
        </div>
        <PriceGroups {...here} />
        <details className="tariff-terms" open={terms}>
          <summary>
            <strong>For the whole of it</strong>{' '}
            <span className="sub">least and most, free idle time, rounding, texts, validity</span>
          </summary>
          <TermsEditor {...here} />
        </details>
        {!disabled && (
          <footer className="tariff-foot">
            <p role="status" className={problems.size > 0 ? 'problem' : 'sub'}>
              {problems.size > 0
                ? `${plural(problems.size, 'field')} to correct`
                : refused
                  ? sentence(refused.message)
                  : edited
                    ? 'Not saved yet'
                    : `Version ${tariff.version} is saved`}
            </p>
            <button type="button" className="btn btn-ghost" onClick={() => setRetiring(true)}>
              Retire
            </button>
            <button
              type="button"
              className="btn"
              disabled={!edited || save.isPending}
              onClick={() => {
                setDraft(saved);
                setName(tariff.name);
              }}
            >
              Undo changes
            </button>
            <button
              type="submit"
              className="btn btn-primary"
              disabled={!edited || problems.size > 0 || save.isPending}
            >
              {save.isPending ? 'Saving…' : `Save as version ${tariff.version + 1}`}
            </button>
          </footer>
        )}
      </form>
      <div className="stack tariff-side">
        <WeekView spec={read.spec} date={trial.at} />
        <Preview
          session={trial}
          onChange={setTrial}
          preview={preview}
          stale={!sound}
          groups={draft.elements.length}
        />
      </div>
      {retiring && <Retire tariff={tariff} onClose={() => setRetiring(false)} />}
    </div>
  );
}

export function TariffPage() {
  const { tariffId } = route.useParams();
  const { data, error, refetch } = useQuery(tariffQuery(tariffId));
  return (
    <div className="page">
      <PageHead
        parent={{ to: '/tariffs', label: 'Tariffs' }}
        here={tariffId}
        title={data?.name ?? tariffId}
        beside={
          <>
            {data && <span className="tag">version {data.version}</span>}
            {data?.retired && <span className="tag">retired</span>}
          </>
        }
      />
      {error && !data ? (
        <section className="panel">
          <ErrorState error={error} retry={() => void refetch()} what={`Tariff ${tariffId}`} />
        </section>
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
