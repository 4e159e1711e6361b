import type { CampaignState } from '@/api/campaigns';
import { campaignWords } from './logic';

export function CampaignTag({ state }: { state: CampaignState }) {
  const tone = state === 'done' ? 'good' : state === 'paused' || state === 'cancelled' ? 'warn' : undefined;
  return (
    <span className="tag" data-tone={tone} data-busy={state === 'running' || state === 'cancelling'}>
      {campaignWords[state] ?? state}
    </span>
  );
}
