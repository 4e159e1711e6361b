import { useState } from 'react';
import type { StationSecurity } from '@/api/care';
import { api, seg } from '@/api/client';
import { recordsQuery, type Known } from '@/api/knowledge';
import type { Command, Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { dateTime, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { useNow } from '@/ui/use-now';
import { AskDialog, tell } from './ask-dialog';

type Issued = StationSecurity['certificates'][number];

interface CertificateRecord {
  state?: string;
  type?: string;
  serial?: string;
  not_after?: string;
  reason?: string;
  hash?: Record<string, string>;
}

const DAY = 86_400_000;

/** Kinds of certificates that may be put into a station. */
const kindsOf = (version: string | null): readonly string[] =>
  version === '1.6'
    ? ['CentralSystemRootCertificate', 'ManufacturerRootCertificate']
    : ['CSMSRootCertificate', 'ManufacturerRootCertificate', 'V2GRootCertificate', 'MORootCertificate'];

const words = (kind: string) =>
  kind.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/ [A-Z](?![A-Z])/g, (m) => m.toLowerCase());

/** How long a certificate still holds, loud when that is soon. */
function Holds({ until, revoked }: { until: string; revoked: string | null | undefined }) {
  const now = useNow();
  if (revoked)
    return (
      <span className="tag" data-tone="bad">
        Revoked {dateTime(revoked)}
      </span>
    );
  const left = Math.floor(((instant(until) ?? 0) - now) / DAY);
  if (left < 0)
    return (
      <span className="tag" data-tone="bad">
        Ended {dateTime(until)}
      </span>
    );
  return (
    <>
      {dateTime(until)}{' '}
      <span className="tag" data-tone={left < 7 ? 'bad' : left < 30 ? 'warn' : undefined}>
        {left} d left
      </span>
    </>
  );
}

const issuedColumns = (revoke: (issued: Issued) => void): readonly Column<Issued>[] => [
  {
    key: 'serial',
    label: 'Serial number',
    sort: (c) => c.serial,
    cell: (c) => (
      <span className="mono" title={`SHA-256 ${c.fingerprint}`}>
        {c.serial.length > 20 ? `${c.serial.slice(0, 20)}…` : c.serial}
      </span>
    ),
  },
  {
    key: 'until',
    label: 'Holds until',
    sort: (c) => instant(c.not_after),
    cell: (c) => <Holds until={c.not_after} revoked={c.revoked_at} />,
  },
  {
    key: 'issued',
    label: 'Issued',
    wide: true,
    sort: (c) => instant(c.issued_at),
    cell: (c) => dateTime(c.issued_at),
  },
  { key: 'by', label: 'By', wide: true, sort: (c) => c.issued_by, cell: (c) => c.issued_by },
  {
    key: 'act',
    label: 'Action',
    cell: (c) =>
      c.revoked_at == null && (
        <button
          type="button"
          className="btn btn-ghost btn-sm"
          aria-label={`Take certificate ${c.serial} back`}
          onClick={() => revoke(c)}
        >
          Take back
        </button>
      ),
  },
];

type Act =
  | { kind: 'read' | 'renew' | 'install' }
  | { kind: 'delete'; record: Known<CertificateRecord> }
  | { kind: 'revoke'; issued: Issued };

function ActDialog({ station, act, onClose }: { station: Station; act: Act; onClose: () => void }) {
  const old = station.ocpp_version === '1.6';
  const props = { station: station.id, onClose };
  switch (act.kind) {
    case 'read':
      return (
        <AskDialog
          {...props}
          title="Read what is installed"
          description="Asks the station which certificates it trusts."
          confirm="Read"
          send={(form) =>
            tell(
              station.id,
              'GetInstalledCertificateIds',
              old ? { certificateType: String(form.get('type')) } : {},
            )
          }
        >
          {old && <KindField station={station} />}
        </AskDialog>
      );
    case 'renew':
      return (
        <AskDialog
          {...props}
          title="Ask for a new certificate"
          description="The station makes a key and a request, which is signed here. It uses the new certificate from its next connection on."
          confirm="Ask"
          send={() => api.post<Command>(`/stations/${seg(station.id)}/certificates/renew`)}
        />
      );
    case 'install':
      return (
        <AskDialog
          {...props}
          title="Install a root certificate"
          description="The station will trust whatever this certificate signed."
          confirm="Install"
          danger
          send={(form) =>
            tell(station.id, 'InstallCertificate', {
              certificateType: String(form.get('type')),
              certificate: String(form.get('pem')).trim(),
            })
          }
        >
          <KindField station={station} />
          <div className="field">
            <label htmlFor="cert-pem">Certificate, in PEM</label>
            <textarea
              id="cert-pem"
              name="pem"
              className="input"
              rows={8}
              required
              maxLength={5500}
              placeholder="-----BEGIN CERTIFICATE-----"
              spellCheck={false}
            />
          </div>
        </AskDialog>
      );
    case 'revoke':
      return (
        <AskDialog
          {...props}
          title="Take the certificate back"
          description={`With the certificate ${act.issued.serial} the station is not let in any more. Its open connection stays. This cannot be undone.`}
          confirm="Take it back"
          danger
          send={async () => {
            await api.post(`/certificates/${seg(act.issued.fingerprint)}/revoke`);
            return null;
          }}
        />
      );
    case 'delete':
      return (
        <AskDialog
          {...props}
          title="Delete the certificate"
          description={`The station no longer trusts ${words(act.record.value.type ?? 'it')} ${act.record.key.slice('installed/'.length)}.`}
          confirm="Delete it"
          danger
          send={() => tell(station.id, 'DeleteCertificate', { certificateHashData: act.record.value.hash })}
        />
      );
  }
}

function KindField({ station }: { station: Station }) {
  return (
    <div className="field">
      <label htmlFor="cert-type">Kind</label>
      <select id="cert-type" name="type" className="input">
        {kindsOf(station.ocpp_version).map((kind) => (
          <option key={kind} value={kind}>
            {words(kind)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What was signed for the station, how its newest request stands, and what it trusts. */
export function CertificatePanel({
  station,
  issued,
  admin,
}: {
  station: Station;
  issued: readonly Issued[] | undefined;
  admin: boolean;
}) {
  const records = useList(recordsQuery<CertificateRecord>(station.id, 'certificate'), 10_000);
  const [act, setAct] = useState<Act | null>(null);
  const request = records.rows?.find((r) => r.key === 'request');
  const installed = records.rows?.filter((r) => r.key.startsWith('installed/')) ?? [];
  const bad = request?.value.state === 'failed' || request?.value.state === 'refused';
  return (
    <section className="panel" aria-labelledby="certificates">
      <header className="panel-head" style={{ flexWrap: 'wrap' }}>
        <h2 id="certificates">Certificates</h2>
        {admin && (
          <span className="head-actions">
            <button
              type="button"
              className="btn btn-sm"
              disabled={!station.online}
              onClick={() => setAct({ kind: 'read' })}
            >
              <Icon name="refresh" size={13} /> Read installed
            </button>
            <button
              type="button"
              className="btn btn-sm"
              disabled={!station.online}
              onClick={() => setAct({ kind: 'install' })}
            >
              <Icon name="plus" size={13} /> Install a root
            </button>
            <button
              type="button"
              className="btn btn-sm"
              disabled={!station.online}
              onClick={() => setAct({ kind: 'renew' })}
            >
              <Icon name="key" size={13} /> Ask for a new one
            </button>
          </span>
        )}
      </header>
      {request && (
        <p className={bad ? 'notice notice-bad' : 'notice notice-plain'} role="status">
          <span>
            Newest request, {dateTime(request.at)}: <strong>{request.value.state}</strong>
            {request.value.reason && `, ${request.value.reason}`}
          </span>
        </p>
      )}
      {admin && (
        <DataTable
          caption="Certificates issued for the station"
          columns={issuedColumns((issued) => setAct({ kind: 'revoke', issued }))}
          rows={issued}
          rowKey={(c) => c.fingerprint}
          initialSort={{ key: 'until', dir: 'desc' }}
          empty={
            <EmptyState icon="key" title="None was issued for it">
              Profile 3 needs one: ask the station for a request, which is signed here.
            </EmptyState>
          }
        />
      )}
      {installed.length > 0 && (
        <>
          <h3 className="panel-sub">Trusted by the station</h3>
          <ul className="lines">
            {installed.map((record) => (
              <li key={record.key}>
                <strong>{words(record.value.type ?? 'Certificate')}</strong>
                <span className="mono sub">{record.key.slice('installed/'.length)}</span>
                <span className="faint num">read {dateTime(record.at)}</span>
                {admin && record.value.hash && (
                  <button
                    type="button"
                    className="btn btn-ghost btn-sm push"
                    disabled={!station.online}
                    aria-label={`Delete certificate ${record.key.slice('installed/'.length)}`}
                    onClick={() => setAct({ kind: 'delete', record })}
                  >
                    Delete
                  </button>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
      {act && <ActDialog station={station} act={act} onClose={() => setAct(null)} />}
    </section>
  );
}
