import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState, type FormEvent } from 'react';
import {
  localListQuery,
  setLocalList,
  syncLocalList,
  type ListState,
  type ListWish,
  type LocalList,
} from '@/api/tokens';
import { knownKey } from '@/api/knowledge';
import { Choice, Choices, Field } from '@/ui/field';
import { Dialog } from '@/ui/dialog';
import { count, dateTime, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { toast } from '@/ui/toast';
import { readIds } from '../jobs/filter';
import { listTone, listWords, wishWords } from './logic';
import './tokens.css';

export function ListTag({ state, busy = false }: { state: ListState; busy?: boolean }) {
  return (
    <span className="tag" data-tone={busy ? undefined : listTone(state)} data-busy={busy}>
      {busy ? 'Being told' : listWords[state]}
    </span>
  );
}

/** Decides which tokens a station is to hold; it is told at once, or when it comes. */
export function WishDialog({
  title,
  wanted,
  save,
  onClose,
}: {
  title: string;
  wanted: ListWish;
  save: (wish: ListWish) => Promise<unknown>;
  onClose: () => void;
}) {
  const [mode, setMode] = useState(wanted.mode);
  const [tokens, setTokens] = useState((wanted.tokens ?? []).join('\n'));
  const [parents, setParents] = useState((wanted.parents ?? []).join('\n'));
  const set = useMutation({ mutationFn: save, onSuccess: onClose });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    set.mutate(mode === 'chosen' ? { mode, tokens: readIds(tokens), parents: readIds(parents) } : { mode });
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      description="With a list of its own a station lets these charge while it cannot reach us."
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="list-wish" className="btn btn-primary" disabled={set.isPending}>
            {set.isPending ? 'Saving…' : 'Save'}
          </button>
        </>
      }
    >
      <form id="list-wish" className="form" onSubmit={submit}>
        <Choices legend="It is to hold">
          <Choice
            name="mode"
            label="No tokens"
            text="A list that came from us is emptied once."
            checked={mode === 'off'}
            onChoose={() => setMode('off')}
          />
          <Choice
            name="mode"
            label="All that are good there"
            text="Changes follow by themselves, as far as they fit."
            checked={mode === 'all'}
            onChoose={() => setMode('all')}
          />
          <Choice
            name="mode"
            label="Chosen ones"
            checked={mode === 'chosen'}
            onChoose={() => setMode('chosen')}
          />
        </Choices>
        {mode === 'chosen' && (
          <div className="pair">
            <Field label="Tokens, one a line" hint="1,000 at most.">
              {(field) => (
                <textarea
                  {...field}
                  className="input"
                  rows={5}
                  spellCheck={false}
                  value={tokens}
                  onChange={(e) => setTokens(e.target.value)}
                />
              )}
            </Field>
            <Field label="All of these parents" hint="1,000 at most.">
              {(field) => (
                <textarea
                  {...field}
                  className="input"
                  rows={5}
                  spellCheck={false}
                  value={parents}
                  onChange={(e) => setParents(e.target.value)}
                />
              )}
            </Field>
          </div>
        )}
        {set.error && (
          <div className="outcome" data-tone="bad" role="alert">
            {sentence(set.error.message)}
          </div>
        )}
      </form>
    </Dialog>
  );
}

/** Brings a station's list up to date, and waits for it; the wait can be ended, the telling goes on. */
export function useSync(station: string) {
  const client = useQueryClient();
  const stop = useRef<AbortController | null>(null);
  const sync = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      return syncLocalList(station, stop.current.signal);
    },
    onSuccess: (list) => {
      if (list.under_way) toast(`${station} is still being told`, { detail: 'It goes on by itself.' });
      else if (list.state === 'current') toast(`${station} is up to date`, { tone: 'good' });
      else
        toast(`${station}: ${listWords[list.state].toLowerCase()}`, {
          tone: 'warn',
          ...(list.reason ? { detail: sentence(list.reason) } : {}),
        });
    },
    onError: (error) => {
      if (error.name !== 'AbortError')
        toast(`${station} was not told`, { tone: 'bad', detail: sentence(error.message) });
    },
    onSettled: () => client.invalidateQueries({ queryKey: knownKey(station) }),
  });
  return { ...sync, stop: () => stop.current?.abort() };
}

function Facts({ list }: { list: LocalList }) {
  return (
    <dl className="facts panel-body">
      <div>
        <dt>State</dt>
        <dd>
          <ListTag state={list.state} busy={list.under_way} />
        </dd>
      </div>
      <div>
        <dt>Is to hold</dt>
        <dd>{wishWords(list.wanted)}</dd>
      </div>
      <div>
        <dt>Holds</dt>
        <dd>
          {plural(list.entries, 'token')}
          {list.version > 0 && <span className="faint">, version {count(list.version)}</span>}
        </dd>
      </div>
      <div>
        <dt>To send</dt>
        <dd>
          {list.pending === 0 ? 'Nothing' : plural(list.pending, 'change')}
          {list.left_out > 0 && <span className="faint">, {count(list.left_out)} do not fit</span>}
        </dd>
      </div>
      <div>
        <dt>Heard of last</dt>
        <dd>{list.at ? dateTime(list.at) : 'Never'}</dd>
      </div>
    </dl>
  );
}

/** The local authorisation list of one station. */
export function LocalListPanel({
  station,
  online,
  allowed,
}: {
  station: string;
  online: boolean;
  allowed: boolean;
}) {
  const client = useQueryClient();
  const { data: list, error, refetch } = useQuery(localListQuery(station));
  const [wishing, setWishing] = useState(false);
  const sync = useSync(station);
  return (
    <section className="panel" aria-labelledby="local-list">
      <header className="panel-head">
        <h2 id="local-list">Local authorisation list</h2>
        {allowed && list && (
          <button type="button" className="btn btn-sm" onClick={() => setWishing(true)}>
            <Icon name="edit" size={13} /> Change
          </button>
        )}
      </header>
      {error && !list ? (
        <ErrorState error={error} retry={() => void refetch()} what="The local list" />
      ) : !list ? (
        <SkeletonBlock lines={3} />
      ) : (
        <>
          <Facts list={list} />
          {list.reason && list.state !== 'current' && (
            <p className="token-reason" data-tone={listTone(list.state)}>
              {sentence(list.reason)}
            </p>
          )}
          {allowed && (list.wanted.mode !== 'off' || list.pending > 0) && (
            <div className="panel-foot">
              {sync.isPending ? (
                <button type="button" className="btn" onClick={sync.stop}>
                  <Icon name="stop" size={13} /> Telling it… Stop waiting
                </button>
              ) : (
                <button type="button" className="btn" disabled={!online} onClick={() => sync.mutate()}>
                  <Icon name="refresh" size={14} /> Bring it up to date
                </button>
              )}
            </div>
          )}
        </>
      )}
      {wishing && list && (
        <WishDialog
          title={`Local list of ${station}`}
          wanted={list.wanted}
          save={async (wish) => {
            const saved = await setLocalList(station, wish);
            client.setQueryData(localListQuery(station).queryKey, saved);
          }}
          onClose={() => setWishing(false)}
        />
      )}
    </section>
  );
}
