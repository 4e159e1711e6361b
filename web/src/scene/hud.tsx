import { useEffect, useState } from 'react';
import type { SceneStats } from './control/meter';

const MB = 1_048_576;

/** Figures of the renderer, once a second. */
export function Hud({ stats }: { stats: SceneStats }) {
  const [shown, setShown] = useState<SceneStats>(() => ({ ...stats }));
  useEffect(() => {
    const timer = setInterval(() => setShown({ ...stats }), 1000);
    return () => clearInterval(timer);
  }, [stats]);
  const ms = (value: number | null) => (value === null ? '–' : `${Math.round(value)} ms`);
  const rows: [string, string][] = [
    ['Frames', `${shown.fps.toFixed(0)} /s`],
    ['JavaScript', `${shown.cpuMs.toFixed(1)} ms`],
    ['Draw calls', String(shown.drawCalls)],
    ['Triangles', shown.triangles.toLocaleString('en')],
    ['Upload, tick', `${(shown.tickUploadedBytes / 1024).toFixed(1)} KB`],
    ['Upload, between', `${(shown.idleUploadedBytes / 1024).toFixed(1)} KB`],
    ['GPU, scene', `${(shown.sceneBytes / MB).toFixed(1)} MB`],
    ['GPU, frame buffers', `~${(shown.framebufferBytes / MB).toFixed(0)} MB`],
    ['Source to page p50', ms(shown.arrivalP50)],
    ['Source to page p95', ms(shown.arrivalP95)],
    ['Source to pixel p50', ms(shown.latencyP50)],
    ['Source to pixel p95', ms(shown.latencyP95)],
    ['Quality', `Q${shown.quality}`],
    ['Vehicles', shown.vehicles.toLocaleString('en')],
  ];
  return (
    <dl className="scene-hud" aria-label="Performance">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
