import { Dialog } from '@/ui/dialog';
import { navItems } from './nav';

type Row = readonly [keys: readonly string[], what: string];

const general: readonly Row[] = [
  [['Ctrl', 'K'], 'Search'],
  [['/'], 'Search'],
  [['?'], 'This list'],
  [['Esc'], 'Close what is open, end the selection'],
];

const table: readonly Row[] = [
  [['↑', '↓'], 'Walk through the rows'],
  [['Home', 'End'], 'First and last row'],
  [['↵'], 'Open the row'],
];

const scene: readonly Row[] = [
  [['↑', '↓', '←', '→'], 'Move'],
  [['Q', 'E'], 'Turn'],
  [['+', '−'], 'Zoom'],
  [['Page up', 'Page down'], 'Tilt'],
  [['Home'], 'Show everything'],
  [['I'], 'Figures of the renderer'],
];

function Group({ title, rows }: { title: string; rows: readonly Row[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl className="shortcuts">
        {rows.map(([keys, what]) => (
          <div key={what + keys.join()}>
            <dt>
              {keys.map((key) => (
                <kbd key={key} className="kbd">
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Every key that does something, in one place. */
export default function Shortcuts({ onClose }: { onClose: () => void }) {
  const pages = navItems.map((item): Row => [['G', item.key.toUpperCase()], item.label]);
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="Keyboard">
      <div className="shortcut-groups">
        <Group title="Everywhere" rows={general} />
        <Group title="Go to" rows={pages} />
        <Group title="In a table" rows={table} />
        <Group title="In the 3D view" rows={scene} />
      </div>
    </Dialog>
  );
}
