import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { campaignPath, campaignQuery, campaignsKey, type Campaign } from '@/api/campaigns';
import { api } from '@/api/client';
import { Dialog } from '@/ui/dialog';
import { Choice, Choices } from '@/ui/field';
import { plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { toast } from '@/ui/toast';
import { useCampaignDraft } from './draft';
import { atWork, draftFrom } from './logic';

interface Order {
  what: 'pause' | 'resume' | 'retry' | 'cancel';
  body?: { retry_failed: boolean };
}

const undone: Readonly<Record<Order['what'], string>> = {
  pause: 'It was not paused',
  resume: 'It did not go on',
  retry: 'They are not asked again',
  cancel: 'It was not stopped',
};

function useOrder(id: string, onDone: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ what, body }: Order) => api.post<Campaign>(`${campaignPath(id)}/${what}`, body),
    onSuccess: (campaign) => {
      client.setQueryData(campaignQuery(id).queryKey, campaign);
      onDone();
    },
    onError: (error, { what }) => toast(undone[what], { tone: 'bad', detail: sentence(error.message) }),
    onSettled: () => client.invalidateQueries({ queryKey: campaignsKey }),
  });
}

function Ask({
  title,
  description,
  keep,
  confirm,
  danger = false,
  pending,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  description: string;
  keep: string;
  confirm: string;
  danger?: boolean;
  pending: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children?: ReactNode;
}) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      description={description}
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {keep}
          </button>
          <button
            type="button"
            className={danger ? 'btn btn-danger' : 'btn btn-primary'}
            disabled={pending}
            onClick={onConfirm}
          >
            {confirm}
          </button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}

/** What a person may do with a campaign as it stands. */
export function CampaignActions({ campaign }: { campaign: Campaign }) {
  const navigate = useNavigate();
  const begin = useCampaignDraft((s) => s.begin);
  const [asking, setAsking] = useState<'resume' | 'cancel' | null>(null);
  const [again, setAgain] = useState(true);
  const order = useOrder(campaign.id, () => setAsking(null));
  const { state, by_state } = campaign;
  const failed = by_state.failed ?? 0;
  const left = failed + (by_state.given_up ?? 0);
  const working = atWork(by_state);
  const close = () => setAsking(null);
  return (
    <>
      {state === 'running' && (
        <button
          type="button"
          className="btn"
          disabled={order.isPending}
          onClick={() => order.mutate({ what: 'pause' })}
        >
          <Icon name="pause" size={13} /> Pause
        </button>
      )}
      {state === 'paused' && (
        <button
          type="button"
          className="btn btn-primary"
          disabled={order.isPending}
          onClick={() =>
            failed > 0 ? setAsking('resume') : order.mutate({ what: 'resume', body: { retry_failed: false } })
          }
        >
          <Icon name="play" size={13} /> {failed > 0 ? 'Go on…' : 'Go on'}
        </button>
      )}
      {(state === 'running' || state === 'done') && left > 0 && (
        <button
          type="button"
          className="btn"
          disabled={order.isPending}
          onClick={() => order.mutate({ what: 'retry' })}
        >
          <Icon name="refresh" size={14} /> Ask {plural(left, 'station')} again
        </button>
      )}
      {(state === 'running' || state === 'paused' || state === 'cancelling') && (
        <button
          type="button"
          className="btn btn-danger"
          disabled={state === 'cancelling' || order.isPending}
          onClick={() => setAsking('cancel')}
        >
          <Icon name="stop" size={13} /> {state === 'cancelling' ? 'Stopping…' : 'Stop for good'}
        </button>
      )}
      {(state === 'done' || state === 'cancelled') && (
        <button
          type="button"
          className="btn"
          onClick={() => {
            begin(draftFrom(campaign.request));
            void navigate({ to: '/campaigns/new' });
          }}
        >
          <Icon name="copy" size={14} /> Use again
        </button>
      )}
      {asking === 'cancel' && (
        <Ask
          title="Stop the campaign for good"
          description={
            working > 0
              ? `Nobody else is asked, ever. ${plural(working, 'station')} at work ${working === 1 ? 'goes' : 'go'} on and ${working === 1 ? 'is' : 'are'} followed to the end.`
              : 'Nobody else is asked, ever.'
          }
          keep="Keep it"
          confirm="Stop it"
          danger
          pending={order.isPending}
          onConfirm={() => order.mutate({ what: 'cancel' })}
          onClose={close}
        />
      )}
      {asking === 'resume' && (
        <Ask
          title="Go on"
          description={`${plural(failed, 'station')} failed.`}
          keep="Not yet"
          confirm="Go on"
          pending={order.isPending}
          onConfirm={() => order.mutate({ what: 'resume', body: { retry_failed: again } })}
          onClose={close}
        >
          <Choices legend="What about them">
            <Choice
              name="failed"
              label="Ask them again"
              text="With all their attempts."
              checked={again}
              onChoose={() => setAgain(true)}
            />
            <Choice
              name="failed"
              label="Go on without them"
              text="They are given up, and no longer count as failures. They can be asked again later."
              checked={!again}
              onChoose={() => setAgain(false)}
            />
          </Choices>
        </Ask>
      )}
    </>
  );
}
