import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { MessageSearch } from '@/app/url-state';
import { MessageView } from '../messages/message-view';
import type { TabProps } from './tabs';

/** What this station and we said to each other. */
export default function MessagesTab({ station }: TabProps) {
  const search = useSearch({ strict: false }) as MessageSearch;
  const navigate = useNavigate();
  const { id } = station;
  const onSearch = useCallback(
    (change: Partial<MessageSearch>) =>
      void navigate({
        to: '/stations/$stationId/$tab',
        params: { stationId: id, tab: 'messages' },
        search: (before) => ({ ...(before as MessageSearch), ...change }),
        replace: true,
      }),
    [navigate, id],
  );
  return <MessageView station={id} search={search} onSearch={onSearch} />;
}
