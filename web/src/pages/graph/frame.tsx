import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import './graph.css';

const parts = [
  { to: '/graph', label: 'Explorer' },
  { to: '/graph/models', label: 'Models' },
  { to: '/graph/query', label: 'Query' },
  { to: '/graph/events', label: 'Events' },
] as const;

/** What the pages of the graph have in common: their name, and the way from one to another. */
export function GraphFrame({
  title,
  text,
  actions,
  fill = false,
  children,
}: {
  title: string;
  text: string;
  actions?: ReactNode;
  fill?: boolean;
  children: ReactNode;
}) {
  return (
    <div className={fill ? 'page page-fill' : 'page'}>
      <header className="page-head">
        <div className="titles">
          <h1>{title}</h1>
          <p>{text}</p>
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </header>
      <nav className="tabs" aria-label="Parts of the twin graph">
        {parts.map(({ to, label }) => (
          <Link
            key={to}
            to={to}
            className="tab"
            activeOptions={{ exact: true, includeSearch: false }}
            activeProps={{ 'aria-current': 'page' }}
          >
            {label}
          </Link>
        ))}
      </nav>
      {children}
    </div>
  );
}
