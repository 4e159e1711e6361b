import { useNavigate, useSearch } from '@tanstack/react-router';
import { CommandDesk } from '../commands/command-desk';
import type { TabProps } from './tabs';

/** What the station can be told, and what it was told before. The address names the action. */
export default function CommandsTab({ station }: TabProps) {
  const { action } = useSearch({ strict: false });
  const navigate = useNavigate();
  return (
    <CommandDesk
      station={station}
      action={action}
      onAction={(next) =>
        void navigate({
          to: '/stations/$stationId/$tab',
          params: { stationId: station.id, tab: 'commands' },
          search: { action: next },
          replace: true,
        })
      }
    />
  );
}
