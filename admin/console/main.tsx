import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { followOldLink } from './page/old-link.ts';
import { createConsoleRouter, loadHoldPage } from './router.tsx';
import { createCache } from './server/cache.ts';
import { holdQuery, waitingQuery } from './server/holds.ts';
import { sessionQuery } from './server/session.ts';
import { takeLinkSecret } from './sign-in/link-secret.ts';

/** Milliseconds after which the page of a hold is loaded too. */
const IDLE = 1_500;
/** Milliseconds that the first picture waits for what it shows. Drawing it twice takes longer, unless the network does. */
const PATIENCE = 150;

followOldLink(location, history);
takeLinkSecret(location, history);
const cache = createCache();
const router = createConsoleRouter(cache);
// What nearly every page begins with, asked for before the first of them is drawn.
const first: Promise<unknown>[] = [cache.prefetchQuery(sessionQuery)];
if (/^\/(?:holds)?$/.test(location.pathname)) first.push(firstOf(cache));
const linked = /^\/holds\/(hold_\w+)$/.exec(location.pathname)?.[1];
if (linked !== undefined) first.push(loadHoldPage(), cache.prefetchQuery(holdQuery(linked)));
await Promise.race([
  Promise.all(first).then(() => router.load()),
  new Promise((resolve) => setTimeout(resolve, PATIENCE)),
]);

createRoot(document.querySelector('#app')!).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);

setTimeout(() => void loadHoldPage(), IDLE);

/** Reads the queue; resolves when its first page is there. */
function firstOf(cache: QueryClient): Promise<void> {
  return new Promise((resolve) => {
    const stop = cache.getQueryCache().subscribe(() => {
      if (cache.getQueryData(waitingQuery.queryKey) === undefined) return;
      stop();
      resolve();
    });
    void cache.prefetchQuery(waitingQuery).then(resolve);
  });
}
