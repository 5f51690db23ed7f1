import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { agentFilterIn } from './agents/agent-filter.ts';
import { callFilterIn } from './calls/call-filter.ts';
import { periodSearchIn } from './insights/period.ts';
import { reportSearchIn } from './insights/report-search.ts';
import { coverageFilterIn } from './coverage/coverage-filter.ts';
import { policyFilterIn } from './policy/policy-filter.ts';
import { deliveryFilterIn } from './deliveries/delivery-filter.ts';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { ErrorPage, NotFoundPage } from './page/error-page.tsx';
import { Shell } from './page/shell.tsx';
import { QueuePage } from './queue/queue-page.tsx';
import { filterIn } from './queue/filter.ts';
import { sessionQuery } from './server/session.ts';

/** Apart from the queue, so that the queue is there sooner; it is loaded while people read. */
export const loadHoldPage = () => import('./hold/hold-page.tsx');

const root = createRootRouteWithContext<{ readonly cache: QueryClient }>()({ notFoundComponent: NotFoundPage });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>): { to?: string } =>
    // Only a page of the console itself: a link must not be able to send people elsewhere.
    typeof search['to'] === 'string' && /^\/(?![/\\])/.test(search['to']) ? { to: search['to'] } : {},
  component: SignInPage,
});

/** All pages that need somebody signed in. */
const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ context, location }) => {
    const person = await context.cache.ensureQueryData(sessionQuery);
    if (!person) throw redirect({ to: '/sign-in', search: { to: location.href }, replace: true });
  },
  component: Shell,
  errorComponent: ErrorPage,
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/holds', replace: true });
  },
});

const queue = createRoute({
  getParentRoute: () => shell,
  path: '/holds',
  validateSearch: filterIn,
  component: QueuePage,
});

const hold = createRoute({
  getParentRoute: () => shell,
  path: '/holds/$holdId',
  validateSearch: filterIn,
  component: lazyRouteComponent(loadHoldPage, 'HoldPage'),
});

const batch = createRoute({
  getParentRoute: () => shell,
  path: '/batch',
  validateSearch: (search: Record<string, unknown>): { holds?: string } =>
    typeof search['holds'] === 'string' ? { holds: search['holds'] } : {},
  component: lazyRouteComponent(() => import('./batch/batch-page.tsx'), 'BatchPage'),
});

const calls = createRoute({
  getParentRoute: () => shell,
  path: '/calls',
  validateSearch: callFilterIn,
  component: lazyRouteComponent(() => import('./calls/calls-page.tsx'), 'CallsPage'),
});

const story = createRoute({
  getParentRoute: () => shell,
  path: '/calls/$callId',
  component: lazyRouteComponent(() => import('./calls/story-page.tsx'), 'StoryPage'),
});

const work = createRoute({
  getParentRoute: () => shell,
  path: '/work',
  component: lazyRouteComponent(() => import('./work/work-page.tsx'), 'WorkPage'),
});

const insights = createRoute({
  getParentRoute: () => shell,
  path: '/insights',
  validateSearch: periodSearchIn,
  component: lazyRouteComponent(() => import('./insights/insights-page.tsx'), 'InsightsPage'),
});

const report = createRoute({
  getParentRoute: () => shell,
  path: '/insights/$report',
  validateSearch: reportSearchIn,
  component: lazyRouteComponent(() => import('./insights/report-page.tsx'), 'ReportPage'),
});

const coverage = createRoute({
  getParentRoute: () => shell,
  path: '/coverage',
  validateSearch: coverageFilterIn,
  component: lazyRouteComponent(() => import('./coverage/coverage-page.tsx'), 'CoveragePage'),
});

const policy = createRoute({
  getParentRoute: () => shell,
  path: '/policy',
  validateSearch: policyFilterIn,
  component: lazyRouteComponent(() => import('./policy/policy-page.tsx'), 'PolicyPage'),
});

const agents = createRoute({
  getParentRoute: () => shell,
  path: '/agents',
  validateSearch: agentFilterIn,
  component: lazyRouteComponent(() => import('./agents/agents-page.tsx'), 'AgentsPage'),
});

const deliveries = createRoute({
  getParentRoute: () => shell,
  path: '/deliveries',
  validateSearch: deliveryFilterIn,
  component: lazyRouteComponent(() => import('./deliveries/deliveries-page.tsx'), 'DeliveriesPage'),
});

const me = createRoute({
  getParentRoute: () => shell,
  path: '/me',
  component: lazyRouteComponent(() => import('./me/me-page.tsx'), 'MePage'),
});

const routes = root.addChildren([
  home,
  signIn,
  shell.addChildren([
    queue,
    hold,
    batch,
    calls,
    story,
    work,
    insights,
    report,
    coverage,
    policy,
    agents,
    deliveries,
    me,
  ]),
]);

export function createConsoleRouter(cache: QueryClient) {
  return createRouter({
    routeTree: routes,
    context: { cache },
    defaultPreload: false,
    scrollRestoration: true,
    // What a page does not read in an address is not there for it either.
    search: { strict: true },
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
