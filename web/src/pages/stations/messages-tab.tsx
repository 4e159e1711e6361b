import { MessageLog } from './message-log';
import type { TabProps } from './tabs';

/** What this station and we said to each other. */
export default function MessagesTab({ station }: TabProps) {
  return (
    <div className="message-tab">
      <MessageLog station={station.id} />
    </div>
  );
}
