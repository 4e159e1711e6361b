import { create } from 'zustand';
import type { Theme } from '@/ui/tokens';

/** What this browser remembers for its user; nothing here is a secret. */
interface Preferences {
  theme: Theme;
  alarmSound: boolean;
  setTheme: (theme: Theme) => void;
  setAlarmSound: (on: boolean) => void;
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows may refuse storage; the choice then lasts as long as the page.
  }
}

function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export const usePreferences = create<Preferences>((set) => ({
  theme: document.documentElement.dataset.theme === 'light' ? 'light' : 'dark',
  alarmSound: recall('voltwin.alarm-sound') === 'on',
  setTheme: (theme) => {
    document.documentElement.dataset.theme = theme;
    document
      .querySelector('meta[name="theme-color"]')
      ?.setAttribute('content', theme === 'dark' ? '#0e1116' : '#f8f9fb');
    remember('voltwin.theme', theme);
    set({ theme });
  },
  setAlarmSound: (on) => {
    remember('voltwin.alarm-sound', on ? 'on' : 'off');
    set({ alarmSound: on });
  },
}));
