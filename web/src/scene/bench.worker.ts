/// <reference lib="webworker" />
import { BenchFleet } from './bench';

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = (event: MessageEvent<{ n: number; seed: number }>) => {
  const { n, seed } = event.data;
  new BenchFleet(
    (message) => self.postMessage(message, message.t === 'frame' ? [message.buffer] : []),
    n,
    seed,
    null,
  );
};
