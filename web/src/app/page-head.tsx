import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Icon } from '@/ui/icons';

/** The head of a page below another: the way back, what it is, what stands beside its name, and what can be done. */
export function PageHead({
  parent,
  here,
  title,
  beside,
  children,
  actions,
}: {
  parent: { to: LinkProps['to']; label: string };
  /** The last step of the way. */
  here: ReactNode;
  title: ReactNode;
  /** Badges and the like, on the line of the title. */
  beside?: ReactNode;
  /** A sentence below the title. */
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <header className="page-head">
      <div className="titles">
        <nav className="crumb" aria-label="Breadcrumb">
          <Link to={parent.to}>{parent.label}</Link>
          <Icon name="chevronRight" size={10} />
          <span aria-current="page">{here}</span>
        </nav>
        {beside ? (
          <div className="title-line">
            <h1>{title}</h1>
            {beside}
          </div>
        ) : (
          <h1>{title}</h1>
        )}
        {children}
      </div>
      {actions && <div className="page-actions">{actions}</div>}
    </header>
  );
}
