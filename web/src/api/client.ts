/**
 * The one way to the server. Every call carries the session cookie, names itself with `X-Voltwin` (which a foreign
 * page cannot send without a preflight) and turns a problem document into an {@link ApiError}.
 */

/** RFC 9457 problem document as the server writes it. */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  /** The input that was wrong, and the bound it broke, where these apply. */
  field?: string;
  limit?: number | string;
}

/** A refusal by the server, or status 0 when no answer came at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem;

  constructor(status: number, problem: Problem) {
    super(
      problem.detail ?? problem.title ?? (status === 0 ? 'the server cannot be reached' : `status ${status}`),
    );
    this.name = 'ApiError';
    this.status = status;
    this.problem = problem;
  }

  /** True where signing in again is the cure. */
  get unauthorized(): boolean {
    return this.status === 401;
  }
}

export type Params = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface RequestOptions {
  /** Where the path begins, `/api/v1` unless said otherwise. */
  base?: string;
  params?: Params;
  signal?: AbortSignal;
  headers?: Readonly<Record<string, string>>;
  /** What the server said beside its answer. */
  onHeaders?: (headers: Headers) => void;
}

const BASE = '/api/v1';

/** `/api/v1` path with its query; parameters that are null, undefined or empty are left out. */
export function url(path: string, params?: Params, base = BASE): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params ?? {})) {
    if (value != null && value !== '') query.set(key, String(value));
  }
  const text = query.toString();
  return `${base}${path}${text ? `?${text}` : ''}`;
}

/** A path segment from an identifier: twin ids hold colons and may hold anything else. */
export function seg(id: string): string {
  return encodeURIComponent(id);
}

let onUnauthorized: (() => void) | null = null;

/** Called once per refused call when a session has ended; the shell sends the user to the sign-in page. */
export function setUnauthorizedHandler(handler: (() => void) | null): void {
  onUnauthorized = handler;
}

/** The error of the Azure surface, `{error: {code, message}}`, in the words of a problem document. */
function azureProblem(body: object, status: number): Problem | null {
  if (!('error' in body) || typeof body.error !== 'object' || body.error === null) return null;
  const { code, message } = body.error as { code?: unknown; message?: unknown };
  return { status, title: String(code ?? `status ${status}`), detail: String(message ?? code ?? '') };
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '');
  if ((response.headers.get('content-type') ?? '').includes('json')) {
    try {
      const body: unknown = JSON.parse(text);
      if (body && typeof body === 'object') return azureProblem(body, response.status) ?? (body as Problem);
    } catch {
      // Falls through: a proxy may label its own page as JSON.
    }
  }
  return { status: response.status, title: response.statusText || `status ${response.status}` };
}

async function request<T>(method: string, path: string, body: unknown, options: RequestOptions): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url(path, options.params, options.base), {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: options.signal ?? null,
      headers: {
        accept: 'application/json, application/problem+json',
        'x-voltwin': '1',
        ...(body === undefined
          ? {}
          : { 'content-type': body instanceof Blob ? body.type : 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, { title: 'the server cannot be reached' });
  }
  if (!response.ok) {
    const error = new ApiError(response.status, await problemOf(response));
    if (error.unauthorized && path !== '/session') onUnauthorized?.();
    throw error;
  }
  options.onHeaders?.(response.headers);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  if (text === '') return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError(response.status, { title: 'the server answered with something that is not JSON' });
  }
}

/** Sends a file and tells how much of it is on its way, which `fetch` cannot. */
function upload<T>(
  path: string,
  file: Blob,
  onSent: (bytes: number) => void,
  { params, base, signal }: RequestOptions = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    const abort = () => call.abort();
    call.open('PUT', url(path, params, base));
    call.setRequestHeader('accept', 'application/json, application/problem+json');
    call.setRequestHeader('x-voltwin', '1');
    call.setRequestHeader('content-type', file.type || 'application/octet-stream');
    call.upload.onprogress = (event) => onSent(event.loaded);
    call.onload = () => {
      const { status, statusText, responseText } = call;
      const headers = { 'content-type': call.getResponseHeader('content-type') ?? '' };
      const response = new Response(responseText, { status, statusText, headers });
      if (response.ok) resolve(response.json() as Promise<T>);
      else
        void problemOf(response).then((problem) => {
          if (status === 401) onUnauthorized?.();
          reject(new ApiError(status, problem));
        });
    };
    call.onerror = () => reject(new ApiError(0, { title: 'the server cannot be reached' }));
    call.onabort = () => reject(new DOMException('the upload was ended', 'AbortError'));
    call.onloadend = () => signal?.removeEventListener('abort', abort);
    signal?.addEventListener('abort', abort);
    call.send(file);
  });
}

/** Typed calls; `T` is what docs/api.md promises for the path. A body that is a `Blob` goes as it is, with its type. */
export const api = {
  get: <T>(path: string, options: RequestOptions = {}) => request<T>('GET', path, undefined, options),
  post: <T>(path: string, body?: unknown, options: RequestOptions = {}) =>
    request<T>('POST', path, body ?? {}, options),
  put: <T>(path: string, body: unknown, options: RequestOptions = {}) =>
    request<T>('PUT', path, body, options),
  patch: <T>(path: string, body: unknown, options: RequestOptions = {}) =>
    request<T>('PATCH', path, body, options),
  delete: <T>(path: string, options: RequestOptions = {}) => request<T>('DELETE', path, undefined, options),
  upload,
};

/** One page of a list. */
export interface Page<T> {
  items: T[];
  next: string | null;
}
