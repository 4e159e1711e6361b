import { queryOptions } from '@tanstack/react-query';
import { api, seg, url } from './client';
import { at } from './graph';

/** Imports of whole graphs: jobs of the data plane, and files that are sent to us for them. */

export interface Count {
  taken: number;
  refused: number;
}

export const sections = ['models', 'twins', 'relationships'] as const;
export type Section = (typeof sections)[number];

export type ImportStatus = 'notstarted' | 'running' | 'cancelling' | 'cancelled' | 'failed' | 'succeeded';

export interface ImportJob {
  id: string;
  inputBlobUri: string;
  status: ImportStatus;
  createdDateTime: string;
  finishedDateTime: string | null;
  /** Absent before the first of it is known. */
  progress?: Record<Section, Count> & {
    /** Bytes and lines of the file that are done. */
    offset: number;
    line: number;
  };
  error?: { code: string; message: string };
}

const importsKey = ['imports'] as const;
const FOLLOW_MS = 700;
const UPLOAD = 'upload:';

export const isOver = (job: ImportJob): boolean => job.finishedDateTime !== null;

const jobPath = (id: string) => `/jobs/imports/${seg(id)}`;
const uploadPath = (name: string) => `/jobs/uploads/${seg(name)}`;

/** One import; followed until it is over. */
export const importQuery = (id: string) =>
  queryOptions({
    queryKey: [...importsKey, 'one', id] as const,
    queryFn: ({ signal }) => api.get<ImportJob>(jobPath(id), { signal, ...at() }),
    refetchInterval: ({ state }) => (state.data && isOver(state.data) ? false : FOLLOW_MS),
  });

/** The newest imports first. */
export const importsQuery = queryOptions({
  queryKey: [...importsKey, 'list'] as const,
  queryFn: async ({ signal }) => {
    const headers = { 'max-items-per-page': '1000' };
    const page = await api.get<{ value: ImportJob[] }>('/jobs/imports', { signal, headers, ...at() });
    return page.value.sort((a, b) => b.createdDateTime.localeCompare(a.createdDateTime));
  },
});

/** Sends a file and has it imported. */
export async function startImport(
  file: File,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<ImportJob> {
  const id = `${file.name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 60)}-${crypto.randomUUID().slice(0, 8)}`;
  const body = file.slice(0, file.size, 'application/x-ndjson');
  await api.upload(uploadPath(id), body, onSent, { signal, ...at() });
  return api.put<ImportJob>(jobPath(id), { inputBlobUri: `${UPLOAD}${id}` }, { signal, ...at() });
}

export const cancelImport = (id: string) => api.post<ImportJob>(`${jobPath(id)}/cancel`, {}, at());

/** Removes the file of an import that is over, if it was sent to us. */
export async function dropUpload(job: ImportJob): Promise<void> {
  if (!job.inputBlobUri.startsWith(UPLOAD)) return;
  // one that is gone is what is wanted
  await api.delete(uploadPath(job.inputBlobUri.slice(UPLOAD.length)), at()).catch(() => undefined);
}

/** Where the log of an import is, to be saved by the browser. */
export function logAddress(id: string): string {
  const { base, params } = at();
  return url(`${jobPath(id)}/log`, params, base);
}

/** The log of an import as far as it is wanted: `onText` gets it part by part and says whether it wants more. */
export async function readLog(
  id: string,
  onText: (text: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(logAddress(id), { signal, headers: { accept: 'application/json' } });
  if (!response.ok || !response.body) throw new Error(`the log cannot be read (status ${response.status})`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (!onText(value)) {
      await reader.cancel();
      return;
    }
  }
}
