/// <reference lib="webworker" />
import { BenchFleet, type ToBenchWorker } from './bench';

declare const self: DedicatedWorkerGlobalScope;

let fleet: BenchFleet | null = null;

self.onmessage = (event: MessageEvent<ToBenchWorker>) => {
  const message = event.data;
  if (message === 'tick') {
    fleet?.tick();
    return;
  }
  fleet = new BenchFleet(
    (out) => self.postMessage(out, out.t === 'frame' ? [out.buffer] : []),
    message.n,
    message.seed,
    message.pace,
  );
};
