import { Outlet } from '@tanstack/react-router';
import { ToastRegion } from '@/ui/toast';
import '@/ui/controls.css';
import '@/ui/values.css';
import '@/ui/table.css';
import '@/ui/overlays.css';
import '@/ui/page.css';
import './shell.css';

/** What every page has, signed in or not. */
export function RootFrame() {
  return (
    <>
      <Outlet />
      <ToastRegion />
    </>
  );
}
