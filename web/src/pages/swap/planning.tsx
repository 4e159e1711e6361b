import { useMemo, useState } from 'react';
import { check } from '@/swap/check';
import { presets } from '@/swap/presets';
import { readScenario } from '@/swap/read-scenario';
import type { Scenario } from '@/swap/scenario';
import { CopyButton } from '@/ui/copy-button';
import { ConfirmDialog } from '@/ui/form-dialog';
import { bytes, plural } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { saveFile } from '@/ui/save-file';
import { toast } from '@/ui/toast';
import { FormProvider, type Form } from './form';
import { usePlanDraft } from './plan-draft';
import {
  DemandSection,
  MoneySection,
  NameField,
  PackSection,
  Section,
  ServiceSection,
  TimeSection,
} from './sections';
import { StationsSection } from './stations-section';
import './swap.css';

const BYTES_MAX = 16 * 1024 * 1024;

/** A file name out of the name of a scenario: what stands before a colon, in small letters. */
export function fileName(name: string | undefined): string {
  const word =
    (name ?? '')
      .split(/[:,]/)[0]
      ?.trim()
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-') ?? '';
  return `${word.replace(/^-|-$/g, '').slice(0, 60) || 'scenario'}.json`;
}

async function readFile(file: File): Promise<Scenario | string> {
  if (file.size > BYTES_MAX) return `the file has ${bytes(file.size)}; it may have ${bytes(BYTES_MAX)}`;
  try {
    return readScenario(await file.text());
  } catch {
    return 'the file cannot be read';
  }
}

function Begin({ onBegin }: { onBegin: (scenario: Scenario) => void }) {
  return (
    <>
      <label className="swap-preset">
        <span className="visually-hidden">Begin from</span>
        <select
          className="input"
          value=""
          onChange={(event) => {
            const preset = presets.find((p) => p.id === event.target.value);
            if (preset) onBegin(preset.scenario);
          }}
        >
          <option value="">Begin from…</option>
          {presets.map((preset) => (
            <option key={preset.id} value={preset.id} title={preset.text}>
              {preset.name}
            </option>
          ))}
        </select>
      </label>
      <label className="btn file-choice">
        <input
          type="file"
          accept=".json,application/json"
          className="visually-hidden"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = '';
            if (!file) return;
            void readFile(file).then((read) => {
              if (typeof read === 'string')
                toast(`${file.name} is no scenario`, { tone: 'bad', detail: read });
              else onBegin(read);
            });
          }}
        />
        <Icon name="upload" size={14} /> Open a scenario
      </label>
    </>
  );
}

/** A network of swap stations, planned: every field of a scenario, with what is wrong at it, and the file that is run. */
export function SwapPlanningPage() {
  const { scenario, begun, unread, generation, set, mark, begin } = usePlanDraft();
  const [waiting, setWaiting] = useState<Scenario | null>(null);
  const problems = useMemo(() => check(scenario), [scenario]);
  const form = useMemo<Form>(
    () => ({ scenario, disabled: false, problems, set, unread: mark }),
    [scenario, problems, set, mark],
  );
  const edited = scenario !== begun;
  const wrong = problems.size + unread.size;
  const file = fileName(scenario.name);
  const command = `voltwin swap run ${file} --out kpis.json`;
  return (
    <div className="page">
      <header className="page-head">
        <div className="titles">
          <h1>Swap planning</h1>
          <p>A network of battery-swap stations, its vehicles and packs; the command line simulates it.</p>
        </div>
        <div className="page-actions">
          <Begin onBegin={(next) => (edited ? setWaiting(next) : begin(next))} />
        </div>
      </header>
      <FormProvider value={form}>
        <div className="stack" key={generation}>
          <Section title="Name">
            <NameField />
          </Section>
          <StationsSection />
          <DemandSection />
          <ServiceSection />
          <PackSection />
          <MoneySection />
          <TimeSection />
        </div>
      </FormProvider>
      <div className="swap-foot" role="group" aria-label="Scenario">
        <p role="status" className={wrong > 0 ? 'problem' : 'sub'}>
          {wrong > 0 ? `${plural(wrong, 'field')} to correct` : 'Nothing is wrong with it. To simulate it:'}
          {wrong === 0 && (
            <>
              {' '}
              <code className="mono">{command}</code> <CopyButton text={() => command} label="Copy" />
            </>
          )}
        </p>
        <button type="button" className="btn" disabled={!edited} onClick={() => begin(begun)}>
          Undo changes
        </button>
        <button
          type="button"
          className="btn btn-primary"
          disabled={wrong > 0}
          onClick={() => saveFile(`${JSON.stringify(scenario, null, 1)}\n`, file, 'application/json')}
        >
          <Icon name="download" size={14} /> Save {file}
        </button>
      </div>
      {waiting && (
        <ConfirmDialog
          title="Begin anew"
          description="What was changed here is not kept unless it was saved as a file."
          keep="Go on with this one"
          confirm="Begin anew"
          busy="Beginning…"
          pending={false}
          onConfirm={() => {
            begin(waiting);
            setWaiting(null);
          }}
          onClose={() => setWaiting(null)}
        />
      )}
    </div>
  );
}
