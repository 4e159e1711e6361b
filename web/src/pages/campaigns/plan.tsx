import type { CampaignDryRun } from '@/api/campaigns';
import { count, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { waveName } from './logic';

/** Waves that are drawn one by one; a campaign of single stations has thousands. */
const SHOWN = 8;

/** What a dry run says of the campaign itself: its waves, who has the version, and why it could not begin. */
export function Plan({ run, version }: { run: CampaignDryRun; version: string }) {
  const away = run.matched - run.online;
  const waves = run.waves.map((size, wave) => ({ size, wave })).filter((w) => w.size > 0);
  const most = Math.max(1, ...waves.map((w) => w.size));
  const firmware = Object.entries(run.by_firmware).sort((a, b) => b[1] - a[1]);
  return (
    <>
      <section aria-label="Waves">
        <h3 className="campaign-side-title">{plural(waves.length, 'wave')}</h3>
        <ol className="campaign-plan">
          {waves.slice(0, SHOWN).map(({ size, wave }) => (
            <li key={wave}>
              <span>{waveName(wave)}</span>
              <span className="campaign-plan-bar" aria-hidden="true">
                <span style={{ width: `${(size / most) * 100}%` }} />
              </span>
              <span className="num">{count(size)}</span>
            </li>
          ))}
        </ol>
        {waves.length > SHOWN && <p className="faint">and {count(waves.length - SHOWN)} more</p>}
      </section>
      <section aria-label="Firmware now">
        <h3 className="campaign-side-title">Firmware now</h3>
        <dl className="job-facts">
          {firmware.slice(0, SHOWN).map(([name, n]) => (
            <div key={name}>
              <dt className={name ? 'mono' : undefined}>{name || 'Not told'}</dt>
              <dd className="num">{count(n)}</dd>
            </div>
          ))}
        </dl>
        {firmware.length > SHOWN && <p className="faint">and {count(firmware.length - SHOWN)} more</p>}
      </section>
      {run.up_to_date > 0 && (
        <div className="job-note job-note-plain">
          <Icon name="check" size={14} />
          <span>
            {plural(run.up_to_date, 'station')} {run.up_to_date === 1 ? 'has' : 'have'} {version} already and{' '}
            {run.up_to_date === 1 ? 'is' : 'are'} not asked.
          </span>
        </div>
      )}
      {away > 0 && (
        <div className="job-note">
          <Icon name="wifiOff" size={14} />
          <span>
            {plural(away, 'station')} {away === 1 ? 'is' : 'are'} away: asked at the next boot, however late.
          </span>
        </div>
      )}
      {run.problem && (
        <div className="job-note" data-tone="bad" role="alert">
          <Icon name="warn" size={14} />
          <span>{sentence(run.problem)}. A station is in one campaign at a time.</span>
        </div>
      )}
    </>
  );
}
