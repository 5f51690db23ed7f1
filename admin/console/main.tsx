import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { followOldLink } from './page/old-link.ts';
import { createConsoleRouter, loadHoldPage } from './router.tsx';
import { createCache } from './server/cache.ts';
import { waitingQuery } from './server/holds.ts';
import { sessionQuery } from './server/session.ts';
import { takeLinkSecret } from './sign-in/link-secret.ts';

/** Milliseconds after which the page of a hold is loaded too. */
const IDLE = 1_500;

followOldLink(location, history);
takeLinkSecret(location, history);
const cache = createCache();
// What nearly every page begins with, asked for before the first of them is drawn.
void cache.prefetchQuery(sessionQuery);
if (location.pathname === '/holds' || location.pathname === '/') void cache.prefetchQuery(waitingQuery);
const router = createConsoleRouter(cache);

createRoot(document.querySelector('#app')!).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);

setTimeout(() => void loadHoldPage(), IDLE);
