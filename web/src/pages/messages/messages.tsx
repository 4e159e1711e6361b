import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { MessageSearch } from '@/app/url-state';
import { MessageView } from './message-view';

const route = getRouteApi('/shell/messages');

/** What all stations and this server say to each other. */
export function MessagesPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/messages' });
  const onSearch = useCallback(
    (change: Partial<MessageSearch>) =>
      void navigate({ search: (before) => ({ ...before, ...change }), replace: true }),
    [navigate],
  );
  return (
    <div className="page msg-page">
      <header className="page-head">
        <div className="titles">
          <h1>Messages</h1>
        </div>
      </header>
      <MessageView search={search} onSearch={onSearch} />
    </div>
  );
}
