import { create } from 'zustand';
import { atSessionEnd } from '@/app/session';
import { emptyCampaign, type CampaignDraft } from './logic';

interface Store {
  draft: CampaignDraft;
  change: (change: Partial<CampaignDraft>) => void;
  /** Begins anew, with what is given. */
  begin: (with_: Partial<CampaignDraft>) => void;
}

/** The campaign that is being written. It outlives a look at another page. */
export const useCampaignDraft = create<Store>((set) => ({
  draft: emptyCampaign,
  change: (change) => set((s) => ({ draft: { ...s.draft, ...change } })),
  begin: (with_) => set({ draft: { ...emptyCampaign, ...with_ } }),
}));

atSessionEnd(() => useCampaignDraft.setState({ draft: emptyCampaign }));
