import { useEffect, useRef } from 'react';
import type { Alarm } from '@/api/types';
import { useLiveEvent } from '@/live';
import { sentence } from '@/ui/format';
import { toast } from '@/ui/toast';
import { usePreferences } from './preferences';

/** Two short tones, made on the spot: no file, and nothing to fetch. */
function chime(critical: boolean): void {
  const audio = new AudioContext();
  const gain = audio.createGain();
  gain.connect(audio.destination);
  gain.gain.value = 0;
  const tones = critical ? [880, 660, 880] : [660, 520];
  tones.forEach((hz, i) => {
    const at = audio.currentTime + i * 0.18;
    const tone = audio.createOscillator();
    tone.frequency.value = hz;
    tone.connect(gain);
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.15, at + 0.02);
    gain.gain.linearRampToValueAtTime(0, at + 0.15);
    tone.start(at);
    tone.stop(at + 0.16);
  });
  setTimeout(() => void audio.close().catch(() => undefined), 1_000);
}

/** Says a new critical or major alarm wherever the user is, and sounds it where that was asked for. */
export function useAlarmNotice(): void {
  const sound = usePreferences((s) => s.alarmSound);
  const known = useRef(new Set<string>());
  useEffect(() => {
    const seen = known.current;
    return () => seen.clear();
  }, []);
  useLiveEvent('alarm', (alarm: Alarm) => {
    if (alarm.cleared_at || alarm.acknowledged_at || known.current.has(alarm.id)) return;
    known.current.add(alarm.id);
    if (alarm.severity !== 'critical' && alarm.severity !== 'major') return;
    toast(`${alarm.severity === 'critical' ? 'Critical' : 'Major'} alarm: ${alarm.twin}`, {
      tone: alarm.severity === 'critical' ? 'bad' : 'warn',
      detail: sentence(alarm.message),
    });
    if (sound) chime(alarm.severity === 'critical');
  });
}
