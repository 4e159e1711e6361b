import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api } from '@/api/client';
import { tokenSettingsQuery, type IdTokenSettings } from '@/api/tokens';
import { Dialog } from '@/ui/dialog';
import { Choice, Choices, Field } from '@/ui/field';
import { sentence } from '@/ui/format';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { toast } from '@/ui/toast';

function SettingsForm({
  settings,
  allowed,
  onClose,
}: {
  settings: IdTokenSettings;
  allowed: boolean;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [unknown, setUnknown] = useState(settings.unknown_tokens);
  const [master, setMaster] = useState(settings.master_group ?? '');
  const save = useMutation({
    mutationFn: () =>
      api.put<IdTokenSettings>('/id-token-settings', {
        unknown_tokens: unknown,
        master_group: master.trim() || null,
      }),
    onSuccess: (saved) => {
      client.setQueryData(tokenSettingsQuery.queryKey, saved);
      toast('This holds for all id tokens now', { tone: 'good' });
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form id="token-settings" className="form" onSubmit={submit}>
      <fieldset className="token-plain" disabled={!allowed}>
        <Choices legend="A token that neither we nor a partner knows">
          <Choice
            name="unknown"
            label="May charge"
            text="An open network. Blocking a token still bars it."
            checked={unknown === 'accept'}
            onChoose={() => setUnknown('accept')}
          />
          <Choice
            name="unknown"
            label="May not charge"
            text="Only the tokens on this list, and those of partners."
            checked={unknown === 'reject'}
            onChoose={() => setUnknown('reject')}
          />
        </Choices>
        <Field
          label="Master group, if any"
          hint="Tokens of this parent end any transaction and begin none. Stations of OCPP 2.x know it by their variable MasterPassGroupId."
        >
          {(field) => (
            <input
              {...field}
              className="input mono"
              maxLength={36}
              autoComplete="off"
              spellCheck={false}
              value={master}
              onChange={(e) => setMaster(e.target.value)}
            />
          )}
        </Field>
      </fieldset>
      {save.error && (
        <div className="outcome" data-tone="bad" role="alert">
          {sentence(save.error.message)}
        </div>
      )}
    </form>
  );
}

/** What holds for all tokens, whether they are on the list or not. */
export function SettingsDialog({ allowed, onClose }: { allowed: boolean; onClose: () => void }) {
  const { data, error, refetch } = useQuery(tokenSettingsQuery);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="What holds for all id tokens"
      description={allowed ? undefined : 'Administrators decide this.'}
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {allowed ? 'Cancel' : 'Close'}
          </button>
          {allowed && (
            <button type="submit" form="token-settings" className="btn btn-primary" disabled={!data}>
              Save
            </button>
          )}
        </>
      }
    >
      {error && !data ? (
        <ErrorState error={error} retry={() => void refetch()} what="The settings" />
      ) : data ? (
        <SettingsForm key={JSON.stringify(data)} settings={data} allowed={allowed} onClose={onClose} />
      ) : (
        <SkeletonBlock lines={4} />
      )}
    </Dialog>
  );
}
