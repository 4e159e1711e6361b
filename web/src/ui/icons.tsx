import type { SVGProps } from 'react';

/** Line icons on a 16-unit grid, stroke 1.5, drawn for this product. Decorative: the label stands beside them. */
const paths = {
  operations: 'M2.5 12.5 8 3l5.5 9.5M5 8.3h6M8 3v9.5',
  stations:
    'M3.5 14V3.5A1.5 1.5 0 0 1 5 2h4a1.5 1.5 0 0 1 1.5 1.5V14M2.5 14h9M7.6 4.8 5.8 7.8h2.4L6.7 10.6M10.5 8h1a1.2 1.2 0 0 1 1.2 1.2v2.1a.9.9 0 0 0 1.8 0V6.2L12.7 4.5',
  vehicles:
    'M2 10.8V8.6l1.7-.6 1.5-3A1.5 1.5 0 0 1 6.5 4.2h3.4a1.5 1.5 0 0 1 1.2.6l1.9 2.9 1 .4v2.7h-1.3M5.7 10.8h4.6M3.7 8h9M2 10.8h.8M4.25 12.2a1.45 1.45 0 1 0 0-2.9 1.45 1.45 0 0 0 0 2.9ZM11.75 12.2a1.45 1.45 0 1 0 0-2.9 1.45 1.45 0 0 0 0 2.9Z',
  battery: 'M1.8 4.8h10.4v6.4H1.8zM12.2 6.8h2v2.4h-2M4.2 7v2M6.6 7v2M9 7v2',
  transactions: 'M4 2.5h8v11l-2-1.3-2 1.3-2-1.3-2 1.3v-11ZM6.2 5.7h3.6M6.2 8.3h3.6',
  alarms:
    'M8 2.2a3.9 3.9 0 0 0-3.9 3.9c0 3.4-1.4 4.6-1.4 4.6h10.6s-1.4-1.2-1.4-4.6A3.9 3.9 0 0 0 8 2.2ZM6.6 13a1.5 1.5 0 0 0 2.8 0',
  tariffs: 'M2.5 7.8V2.5h5.3l5.7 5.7-5.3 5.3-5.7-5.7ZM5.3 5.3h.01',
  uptime: 'M1.8 8.5h3l1.7-5 3 9 1.9-4h2.8',
  messages: 'M2.5 3h8v5.5h-5L3.5 10.6V8.5h-1V3ZM12 5.8h1.5v5.5h-1v2.1l-2-2.1h-3',
  bulk: 'M2.5 3.5h5v4h-5zM2.5 10h5M2.5 12.8h5M10 5.5h3.5M11.8 3.5l2 2-2 2M10 10l1.2 1.2L13.6 9',
  campaigns:
    'M4.5 4.5h7v7h-7zM8 9.6V6.5M6.7 7.7 8 6.4l1.3 1.3M6.4 2.5v2M9.6 2.5v2M6.4 11.5v2M9.6 11.5v2M2.5 6.4h2M2.5 9.6h2M11.5 6.4h2M11.5 9.6h2',
  tokens: 'M2 4h12v8.2H2zM2 6.7h12M4.5 9.7h3M10.5 9.7h1',
  audit:
    'M3.5 2.5h6l3 3v3M9.3 2.7v3h3M3.5 2.5v11h3.7M5.6 8h3M5.6 10.5h1.6M11 14a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6ZM12.7 13.4l1.5 1.3',
  graph:
    'M4 6.2a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM12.2 7.4a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6ZM6.4 14a2.1 2.1 0 1 0 0-4.2 2.1 2.1 0 0 0 0 4.2ZM6 4.6l4.4.8M4.5 6.1l1.2 3.8M7.9 10.4l3-3.4',
  claims: 'M8 2.2 3 4v3.8c0 3 2.1 5.1 5 6 2.9-.9 5-3 5-6V4L8 2.2ZM8 5.5v3M8 10.6v.1',
  api: 'M5.3 4.5 2 8l3.3 3.5M10.7 4.5 14 8l-3.3 3.5M9.2 3 6.8 13',
  search: 'M7.2 12a4.8 4.8 0 1 0 0-9.6 4.8 4.8 0 0 0 0 9.6ZM10.7 10.7l3 3',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.8v1.2M8 13v1.2M1.8 8H3M13 8h1.2M3.6 3.6l.9.9M11.5 11.5l.9.9M3.6 12.4l.9-.9M11.5 4.5l.9-.9',
  moon: 'M13.3 9.6A5.7 5.7 0 0 1 6.4 2.7a5.7 5.7 0 1 0 6.9 6.9Z',
  fullscreen: 'M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3',
  user: 'M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8ZM2.9 13.6c.5-2.3 2.5-3.6 5.1-3.6s4.6 1.3 5.1 3.6',
  signOut: 'M6 2.5H3.5v11H6M7 8h7M11.3 5.2 14 8l-2.7 2.8',
  chevronRight: 'M6 3.5 10.5 8 6 12.5',
  chevronDown: 'M3.5 6 8 10.5 12.5 6',
  chevronUp: 'M3.5 10 8 5.5l4.5 4.5',
  sort: 'M5 6.5 8 3.5l3 3M5 9.5l3 3 3-3',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  check: 'M3 8.5 6.5 12 13 4.5',
  play: 'M5 3.2v9.6L12.5 8 5 3.2Z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  stop: 'M4 4h8v8H4Z',
  refresh: 'M13 8a5 5 0 1 1-1.6-3.7L13.2 6M13.2 2.6V6H9.8',
  key: 'M5.2 13.2a2.9 2.9 0 1 0 0-5.8 2.9 2.9 0 0 0 0 5.8ZM7.3 8.3 13.2 2.4M10.6 5l1.9 1.9',
  copy: 'M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1',
  table: 'M2.5 3h11v10h-11zM2.5 6.3h11M2.5 9.6h11M6.2 6.3V13',
  cube: 'M8 1.9 13.3 5v6L8 14.1 2.7 11V5L8 1.9ZM2.7 5 8 8.1 13.3 5M8 8.1v6',
  layers: 'M8 2.2 14 5.5 8 8.8 2 5.5 8 2.2ZM2.7 8.7 8 11.6l5.3-2.9M2.7 11.4 8 14.3l5.3-2.9',
  filter: 'M2.5 3.5h11M4.5 8h7M6.5 12.5h3',
  sound: 'M2.5 6.2v3.6H5l3.2 2.7v-9L5 6.2H2.5ZM10.6 5.9a3 3 0 0 1 0 4.2M12.5 4.2a5.4 5.4 0 0 1 0 7.6',
  mute: 'M2.5 6.2v3.6H5l3.2 2.7v-9L5 6.2H2.5ZM10.7 6.3l3.4 3.4M14.1 6.3l-3.4 3.4',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  trigger: 'M8.8 1.8 3.4 9h4l-.6 5.2L12.6 7H8.4l.4-5.2Z',
  link: 'M6.7 9.3 9.3 6.7M7.4 4.7l1.3-1.3a2.8 2.8 0 0 1 3.9 3.9l-1.3 1.3M8.6 11.3l-1.3 1.3a2.8 2.8 0 0 1-3.9-3.9l1.3-1.3',
  arrowIn: 'M13 8H3.5M7 4.5 3.5 8 7 11.5',
  arrowOut: 'M3 8h9.5M9 4.5 12.5 8 9 11.5',
  wifiOff:
    'M2 2l12 12M4.2 8.6a5.6 5.6 0 0 1 1.7-1.1M1.9 6.2A9 9 0 0 1 4.2 4.6M8.1 4a8.9 8.9 0 0 1 6 2.2M10.8 7.9c.4.2.7.4 1 .7M6.5 11a2.2 2.2 0 0 1 3 0M8 13.1v.1',
  target: 'M8 12.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM8 1.5v3M8 11.5v3M1.5 8h3M11.5 8h3',
  edit: 'M3 13l.6-2.8L10.9 2.9l2.2 2.2-7.3 7.3L3 13ZM9.3 4.5l2.2 2.2',
  upload: 'M8 10.5v-8M4.8 5.6 8 2.4l3.2 3.2M2.5 10.5v3h11v-3',
  download: 'M8 2.5v8M4.8 7.4 8 10.6l3.2-3.2M2.5 10.5v3h11v-3',
  partners:
    'M5.2 7.2a2.1 2.1 0 1 0 0-4.2 2.1 2.1 0 0 0 0 4.2ZM10.8 7.2a2.1 2.1 0 1 0 0-4.2 2.1 2.1 0 0 0 0 4.2ZM1.8 12.8c.3-2.1 1.6-3.3 3.4-3.3 1.2 0 2.2.5 2.8 1.5.6-1 1.6-1.5 2.8-1.5 1.8 0 3.1 1.2 3.4 3.3',
  violations: 'M5.4 2.2h5.2l3.2 3.2v5.2l-3.2 3.2H5.4l-3.2-3.2V5.4l3.2-3.2ZM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4',
  record: 'M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  swap: 'M3 5.5h9M9.2 2.7 12 5.5 9.2 8.3M13 10.5H4M6.8 7.7 4 10.5l2.8 2.8',
  inbox: 'M2.5 9.5 4.3 3h7.4l1.8 6.5v3.5h-11V9.5ZM2.5 9.5h3.2l.8 1.5h3l.8-1.5h3.2',
  warn: 'M8 2.3 14.2 13H1.8L8 2.3ZM8 6.5v3M8 11.1v.1',
} as const;

export type IconName = keyof typeof paths;

export function Icon({
  name,
  size = 16,
  ...rest
}: { name: IconName; size?: number } & SVGProps<SVGSVGElement>) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2.2 : 1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
      {...rest}
    >
      <path d={paths[name]} />
    </svg>
  );
}

/** The product's mark. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M3 6.5 12.2 25.5h2.9l2-3.9L9.7 6.5Z" fill="var(--text-secondary)" />
      <path d="M29 6.5h-6.5L17.4 16.3h4.3l-3.9 8.6L29.5 12.3h-4.3Z" fill="var(--accent-default)" />
    </svg>
  );
}
