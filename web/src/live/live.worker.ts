/// <reference lib="webworker" />
import { BufferPool } from './buffer-pool';
import type { FromWorker, ToWorker } from './messages';
import { LiveSession, type SocketLike } from './session';

declare const self: DedicatedWorkerGlobalScope;

const pool = new BufferPool();

function post(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

const session = new LiveSession({
  connect: (url) => new WebSocket(url) as unknown as SocketLike,
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (run, ms) => self.setTimeout(run, ms),
  clearTimeout: (timer) => self.clearTimeout(timer),
  onLink: (link) => post({ t: 'link', link }),
  onFrame: (frame, received) => {
    session.noteServerTime(frame.serverTimeMs);
    const buffer = pool.copy(received);
    post({ t: 'frame', buffer, length: received.byteLength, ids: frame.ids, receivedMs: Date.now() }, [
      buffer,
    ]);
  },
  onMessage: (message) => post({ t: 'message', message }),
});

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  switch (message.t) {
    case 'start':
      return session.start(message.options);
    case 'stop':
      return session.stop();
    case 'view':
      return session.setView(message.view);
    case 'focus':
      return session.setFocus(message.twins);
    case 'resync':
      return session.resync(message.topic);
    case 'online':
      return session.setBrowserOnline(message.online);
    case 'recycle':
      return pool.give(message.buffer);
  }
};
