import { createRootRoute, createRoute, createRouter, redirect } from '@tanstack/react-router';
import { lazyRouteComponent } from './lazy-route-component';
import { PageError, PageNotFound, PagePending } from './page-states';
import { RootFrame } from './root-frame';
import { currentSession, signIn, takeKeyFromFragment } from './session';
import {
  readBatterySearch,
  readCompareSearch,
  readGraphSearch,
  readListSearch,
  readMessageSearch,
  readModelSearch,
  readOperationsSearch,
  readQuerySearch,
  readTokenSearch,
  readWhatIfSearch,
} from './url-state';

let linkSignIn: Promise<unknown> | null = null;

const root = createRootRoute({
  component: RootFrame,
  notFoundComponent: PageNotFound,
  beforeLoad: async () => {
    const key = takeKeyFromFragment();
    // A refused key leads to the sign-in page like no key at all. A load that starts meanwhile waits for this one.
    if (key !== null) linkSignIn = signIn({ key }).catch(() => undefined);
    await linkSignIn;
  },
});

/** `next` is a path of this app, never an address of another host. */
export function safeNext(next: unknown): string | undefined {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) && !next.startsWith('/sign-in')
    ? next
    : undefined;
}

const signInRoute = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>): { next?: string | undefined } => ({
    next: safeNext(search.next),
  }),
  beforeLoad: async ({ search }) => {
    const session = await currentSession().catch(() => null);
    if (session) throw redirect({ href: search.next ?? '/', replace: true });
  },
  component: lazyRouteComponent(() => import('@/pages/sign-in'), 'SignInPage'),
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ location }) => {
    const session = await currentSession();
    if (!session) {
      throw redirect({
        to: '/sign-in',
        search: { next: safeNext(location.href === '/' ? undefined : location.href) },
        replace: true,
      });
    }
    return { session };
  },
  component: lazyRouteComponent(() => import('./shell'), 'Shell'),
});

const operations = createRoute({
  getParentRoute: () => shell,
  path: '/',
  validateSearch: readOperationsSearch,
  component: lazyRouteComponent(() => import('@/pages/operations/operations'), 'OperationsPage'),
});

const stations = createRoute({
  getParentRoute: () => shell,
  path: '/stations',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/stations/stations'), 'StationsPage'),
});

const station = createRoute({
  getParentRoute: () => shell,
  path: '/stations/$stationId',
  component: lazyRouteComponent(() => import('@/pages/stations/station'), 'StationPage'),
});

// The frame shows the tab itself, so that going from one to another keeps the heading and what it follows.
const stationOverview = createRoute({ getParentRoute: () => station, path: '/' });
const stationTab = createRoute({
  getParentRoute: () => station,
  path: '$tab',
  // Commands keep their action here, messages their filters.
  validateSearch: readMessageSearch,
});

const vehicles = createRoute({
  getParentRoute: () => shell,
  path: '/vehicles',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/vehicles/vehicles'), 'VehiclesPage'),
});

const vehicle = createRoute({
  getParentRoute: () => shell,
  path: '/vehicles/$vehicleId',
  component: lazyRouteComponent(() => import('@/pages/vehicles/vehicle'), 'VehiclePage'),
});

const batteries = createRoute({
  getParentRoute: () => shell,
  path: '/batteries',
  validateSearch: readBatterySearch,
  component: lazyRouteComponent(() => import('@/pages/batteries/batteries'), 'BatteriesPage'),
});

const batteryCompare = createRoute({
  getParentRoute: () => shell,
  path: '/batteries/compare',
  validateSearch: readCompareSearch,
  component: lazyRouteComponent(() => import('@/pages/batteries/compare'), 'ComparePage'),
});

const batteryWhatIf = createRoute({
  getParentRoute: () => shell,
  path: '/batteries/what-if',
  validateSearch: readWhatIfSearch,
  component: lazyRouteComponent(() => import('@/pages/batteries/what-if'), 'WhatIfPage'),
});

const battery = createRoute({
  getParentRoute: () => shell,
  path: '/batteries/$batteryId',
  component: lazyRouteComponent(() => import('@/pages/batteries/battery'), 'BatteryPage'),
});

const transactions = createRoute({
  getParentRoute: () => shell,
  path: '/transactions',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/transactions/transactions'), 'TransactionsPage'),
});

const transaction = createRoute({
  getParentRoute: () => shell,
  path: '/transactions/$number',
  component: lazyRouteComponent(() => import('@/pages/transactions/transaction'), 'TransactionPage'),
});

const tariffs = createRoute({
  getParentRoute: () => shell,
  path: '/tariffs',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/tariffs/tariffs'), 'TariffsPage'),
});

const tariff = createRoute({
  getParentRoute: () => shell,
  path: '/tariffs/$tariffId',
  component: lazyRouteComponent(() => import('@/pages/tariffs/tariff'), 'TariffPage'),
});

const uptime = createRoute({
  getParentRoute: () => shell,
  path: '/uptime',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/uptime/uptime'), 'UptimePage'),
});

const uptimeOf = createRoute({
  getParentRoute: () => shell,
  path: '/uptime/$twinId',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/uptime/uptime-detail'), 'UptimeDetailPage'),
});

const messages = createRoute({
  getParentRoute: () => shell,
  path: '/messages',
  validateSearch: readMessageSearch,
  component: lazyRouteComponent(() => import('@/pages/messages/messages'), 'MessagesPage'),
});

const bulk = createRoute({
  getParentRoute: () => shell,
  path: '/bulk',
  component: lazyRouteComponent(() => import('@/pages/bulk/bulk'), 'BulkPage'),
});

const bulkNew = createRoute({
  getParentRoute: () => shell,
  path: '/bulk/new',
  component: lazyRouteComponent(() => import('@/pages/bulk/new-bulk'), 'NewBulkPage'),
});

const bulkJob = createRoute({
  getParentRoute: () => shell,
  path: '/bulk/$bulkId',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/bulk/bulk-job'), 'BulkJobPage'),
});

const campaigns = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/campaigns/campaigns'), 'CampaignsPage'),
});

const campaignNew = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns/new',
  component: lazyRouteComponent(() => import('@/pages/campaigns/new-campaign'), 'NewCampaignPage'),
});

const campaign = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns/$campaignId',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/campaigns/campaign'), 'CampaignPage'),
});

const tokens = createRoute({
  getParentRoute: () => shell,
  path: '/id-tokens',
  validateSearch: readTokenSearch,
  component: lazyRouteComponent(() => import('@/pages/tokens/tokens'), 'TokensPage'),
});

const localLists = createRoute({
  getParentRoute: () => shell,
  path: '/id-tokens/lists',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/tokens/local-lists'), 'LocalListsPage'),
});

const alarms = createRoute({
  getParentRoute: () => shell,
  path: '/alarms',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/alarms'), 'AlarmsPage'),
});

const violations = createRoute({
  getParentRoute: () => shell,
  path: '/violations',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/violations/violations'), 'ViolationsPage'),
});

const recordings = createRoute({
  getParentRoute: () => shell,
  path: '/recordings',
  component: lazyRouteComponent(() => import('@/pages/recordings/recordings'), 'RecordingsPage'),
});

const partners = createRoute({
  getParentRoute: () => shell,
  path: '/partners',
  component: lazyRouteComponent(() => import('@/pages/partners/partners'), 'PartnersPage'),
});

const onboarding = createRoute({
  getParentRoute: () => shell,
  path: '/onboarding',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/onboarding/onboarding'), 'OnboardingPage'),
});

const onboardingOf = createRoute({
  getParentRoute: () => shell,
  path: '/onboarding/$stationId',
  component: lazyRouteComponent(() => import('@/pages/onboarding/follow'), 'FollowPage'),
});

const claims = createRoute({
  getParentRoute: () => shell,
  path: '/claims',
  component: lazyRouteComponent(() => import('@/pages/claims'), 'ClaimsPage'),
});

const graph = createRoute({
  getParentRoute: () => shell,
  path: '/graph',
  validateSearch: readGraphSearch,
  component: lazyRouteComponent(() => import('@/pages/graph/explorer'), 'ExplorerPage'),
});

const graphModels = createRoute({
  getParentRoute: () => shell,
  path: '/graph/models',
  validateSearch: readModelSearch,
  component: lazyRouteComponent(() => import('@/pages/graph/models'), 'ModelsPage'),
});

const graphQuery = createRoute({
  getParentRoute: () => shell,
  path: '/graph/query',
  validateSearch: readQuerySearch,
  component: lazyRouteComponent(() => import('@/pages/graph/query'), 'QueryPage'),
});

const graphEvents = createRoute({
  getParentRoute: () => shell,
  path: '/graph/events',
  component: lazyRouteComponent(() => import('@/pages/events/events'), 'EventsPage'),
});

const swap = createRoute({
  getParentRoute: () => shell,
  path: '/swap',
  component: lazyRouteComponent(() => import('@/pages/swap/planning'), 'SwapPlanningPage'),
});

const audit = createRoute({
  getParentRoute: () => shell,
  path: '/audit',
  validateSearch: readListSearch,
  component: lazyRouteComponent(() => import('@/pages/audit'), 'AuditPage'),
});

const apiDocs = createRoute({
  getParentRoute: () => shell,
  path: '/api-docs',
  component: lazyRouteComponent(() => import('@/pages/api-docs/api-docs'), 'ApiDocsPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    signInRoute,
    shell.addChildren([
      operations,
      stations,
      station.addChildren([stationOverview, stationTab]),
      vehicles,
      vehicle,
      batteries,
      batteryCompare,
      batteryWhatIf,
      battery,
      transactions,
      transaction,
      tariffs,
      tariff,
      uptime,
      uptimeOf,
      messages,
      bulk,
      bulkNew,
      bulkJob,
      campaigns,
      campaignNew,
      campaign,
      tokens,
      localLists,
      alarms,
      violations,
      recordings,
      partners,
      onboarding,
      onboardingOf,
      claims,
      graph,
      graphModels,
      graphQuery,
      graphEvents,
      swap,
      audit,
      apiDocs,
    ]),
  ]),
  defaultPreload: 'intent',
  defaultPendingComponent: PagePending,
  defaultErrorComponent: PageError,
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
