import { queryOptions } from '@tanstack/react-query';
import { ApiError, api, seg, url, type Page } from './client';
import { knownKey, type Known, type NoteOf } from './knowledge';
import type { ListSpec } from './queries';
import type { components } from './schema.generated';

/** Firmware, logs, files and security of a station, as docs/api.md describes them. */
type Schemas = components['schemas'];

export type StoredFile = Schemas['StoredFile'];
export type StationSecurity = Schemas['StationSecurity'];
export type UpgradeOutcome = Schemas['UpgradeOutcome'];

export interface FirmwareStep {
  status: string;
  request_id?: number | null;
  from?: string;
  to?: string;
  at?: string;
  asked_at?: string;
  action?: string;
}

export interface Firmware {
  version: string | null;
  maintenance: string | null;
  latest: FirmwareStep | null;
  requests: Known<FirmwareStep>[];
  history: NoteOf<FirmwareStep>[];
}

export interface SecurityEvent {
  type: string;
  tech_info: string | null;
  severity?: string | null;
  address?: string;
  source?: string;
}

export const filesKey = ['files'] as const;

export const firmwareFilesQuery: ListSpec<StoredFile> = {
  key: [...filesKey, 'firmware'],
  path: '/files',
  params: { limit: 200, kind: 'firmware' },
};

export const stationFilesQuery = (station: string): ListSpec<StoredFile> => ({
  key: [...knownKey(station), 'files'],
  path: `/stations/${seg(station)}/files`,
  params: { limit: 200 },
});

export const firmwareQuery = (station: string) =>
  queryOptions({
    queryKey: [...knownKey(station), 'firmware'] as const,
    queryFn: ({ signal }) => api.get<Firmware>(`/stations/${seg(station)}/firmware`, { signal }),
  });

export const securityQuery = (station: string) =>
  queryOptions({
    queryKey: [...knownKey(station), 'security'] as const,
    queryFn: ({ signal }) => api.get<StationSecurity>(`/stations/${seg(station)}/security`, { signal }),
  });

export const securityEventsQuery = (station: string) =>
  queryOptions({
    queryKey: [...knownKey(station), 'security-events'] as const,
    queryFn: ({ signal }) =>
      api.get<Page<NoteOf<SecurityEvent>>>(`/stations/${seg(station)}/security-events`, {
        signal,
        params: { limit: 100 },
      }),
  });

/** Where the bytes of a file are; the session's cookie opens it. */
export const contentUrl = (file: StoredFile) => url(`/files/${seg(file.id)}/content`);

/** Uploads a firmware; `onProgress` hears the share that is sent, which `fetch` does not tell. */
export function uploadFirmware(
  file: File,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<StoredFile> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url('/files', { name: file.name }));
    request.setRequestHeader('x-voltwin', '1');
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total);
    request.onload = () => {
      if (request.status < 300) resolve(request.response as StoredFile);
      else reject(new ApiError(request.status, (request.response as object | null) ?? {}));
    };
    request.onerror = () => reject(new ApiError(0, { title: 'the server cannot be reached' }));
    request.onabort = () => reject(new DOMException('the upload was stopped', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}
