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
import { createConsoleRouter } from './router.tsx';
import { createCache } from './server/cache.ts';
import { takeLinkSecret } from './sign-in/link-secret.ts';

followOldLink(location, history);
takeLinkSecret(location, history);
const cache = createCache();
const router = createConsoleRouter(cache);

createRoot(document.querySelector('#app')!).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
