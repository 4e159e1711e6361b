import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { api, ApiError, seg, setUnauthorizedHandler, url } from './client';

const fetchMock = vi.fn<typeof fetch>();

function answer(status: number, body: unknown, type = 'application/json'): Response {
  return new Response(body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body), {
    status,
    headers: { 'content-type': type },
  });
}

beforeEach(() => {
  fetchMock.mockReset();
  vi.stubGlobal('fetch', fetchMock);
});

afterEach(() => {
  setUnauthorizedHandler(null);
  vi.unstubAllGlobals();
});

async function refused(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe('addresses', () => {
  it('leaves out what is not given and encodes the rest', () => {
    expect(url('/alarms')).toBe('/api/v1/alarms');
    expect(url('/alarms', { state: 'open', cursor: null, q: '', limit: 0 })).toBe(
      '/api/v1/alarms?state=open&limit=0',
    );
    expect(`/stations/${seg('CP/1:2 ä')}`).toBe('/stations/CP%2F1%3A2%20%C3%A4');
  });
});

describe('calls', () => {
  it('names itself, carries the cookie and the abort signal', async () => {
    fetchMock.mockResolvedValueOnce(answer(200, { items: [] }));
    const signal = new AbortController().signal;
    await expect(api.get('/stations', { signal, params: { limit: 5 } })).resolves.toEqual({ items: [] });
    const [address, init] = fetchMock.mock.calls[0] ?? [];
    expect(address).toBe('/api/v1/stations?limit=5');
    expect(init).toMatchObject({ method: 'GET', credentials: 'same-origin', signal });
    expect(init?.headers).toMatchObject({ 'x-voltwin': '1' });
    expect(init?.body).toBeUndefined();
  });

  it('sends JSON', async () => {
    fetchMock.mockResolvedValueOnce(answer(201, { id: 'CP-1' }));
    await api.post('/stations', { id: 'CP-1' });
    const init = fetchMock.mock.calls[0]?.[1];
    expect(init?.body).toBe('{"id":"CP-1"}');
    expect(init?.headers).toMatchObject({ 'content-type': 'application/json' });
  });

  it('takes an answer without a body', async () => {
    fetchMock.mockResolvedValueOnce(answer(204, undefined));
    await expect(api.delete('/session')).resolves.toBeUndefined();
  });
});

describe('refusals', () => {
  it('keeps the problem document', async () => {
    const problem = {
      title: 'Bad Request',
      status: 400,
      detail: '`evse` is 0; it must be 1 or more',
      field: 'evse',
      limit: 1,
    };
    fetchMock.mockResolvedValueOnce(answer(400, problem, 'application/problem+json'));
    const error = await refused(api.post('/stations/CP-1/commands', {}));
    expect(error.status).toBe(400);
    expect(error.problem).toEqual(problem);
    expect(error.message).toBe(problem.detail);
  });

  it('survives a page where JSON was promised', async () => {
    fetchMock.mockResolvedValueOnce(answer(502, '<html>', 'application/json'));
    expect((await refused(api.get('/overview'))).status).toBe(502);
    fetchMock.mockResolvedValueOnce(answer(200, '<html>', 'text/html'));
    expect((await refused(api.get('/overview'))).message).toContain('not JSON');
  });

  it('calls an answer that never came status 0, and lets an abort through as it is', async () => {
    fetchMock.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    expect((await refused(api.get('/overview'))).status).toBe(0);
    fetchMock.mockRejectedValueOnce(new DOMException('aborted', 'AbortError'));
    await expect(api.get('/overview')).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('reports the end of a session, except where one is being asked for', async () => {
    const ended = vi.fn();
    setUnauthorizedHandler(ended);
    fetchMock.mockResolvedValueOnce(answer(401, { title: 'Unauthorized' }));
    expect((await refused(api.get('/session'))).unauthorized).toBe(true);
    expect(ended).not.toHaveBeenCalled();
    fetchMock.mockResolvedValueOnce(answer(401, { title: 'Unauthorized' }));
    await refused(api.get('/stations'));
    expect(ended).toHaveBeenCalledOnce();
  });
});

describe('uploads', () => {
  class FakeCall {
    static last: FakeCall;
    readonly upload: { onprogress?: (event: { loaded: number }) => void } = {};
    readonly sent: Record<string, string> = {};
    status = 0;
    statusText = '';
    responseText = '';
    address = '';
    onload?: () => void;
    onerror?: () => void;
    onabort?: () => void;
    onloadend?: () => void;
    constructor() {
      FakeCall.last = this;
    }
    open(method: string, address: string) {
      this.address = `${method} ${address}`;
    }
    setRequestHeader(name: string, value: string) {
      this.sent[name] = value;
    }
    getResponseHeader = () => 'application/json';
    send() {}
    abort() {
      this.onabort?.();
    }
    answer(status: number, body: unknown) {
      Object.assign(this, { status, responseText: JSON.stringify(body) });
      this.onload?.();
    }
  }

  beforeEach(() => {
    vi.stubGlobal('XMLHttpRequest', FakeCall);
  });

  it('tell how far they are, and what came of them', async () => {
    const onSent = vi.fn();
    const done = api.upload('/jobs/uploads/a', new Blob(['x']), onSent, { base: '', params: { v: 1 } });
    FakeCall.last.upload.onprogress?.({ loaded: 1 });
    FakeCall.last.answer(201, { bytes: 1 });
    await expect(done).resolves.toEqual({ bytes: 1 });
    expect(onSent).toHaveBeenCalledWith(1);
    expect(FakeCall.last.address).toBe('PUT /jobs/uploads/a?v=1');
    expect(FakeCall.last.sent['x-voltwin']).toBe('1');
  });

  it('are refused in the words of the server, and end when they are told to', async () => {
    const refusal = api.upload('/jobs/uploads/a', new Blob(['x']), vi.fn());
    FakeCall.last.answer(413, { error: { code: 'RequestBodyTooLarge', message: 'the file has more' } });
    expect((await refused(refusal)).message).toBe('the file has more');
    const stop = new AbortController();
    const ended = api.upload('/jobs/uploads/a', new Blob(['x']), vi.fn(), { signal: stop.signal });
    stop.abort();
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
  });
});
