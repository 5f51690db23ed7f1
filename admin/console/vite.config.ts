import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The admin listener that `npm run dev:console` sends `/api` to: that of `npm run demo`. */
const GATEWAY = 'http://127.0.0.1:8081';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // The content security policy allows no `data:` but for images, and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What the console needs of a browser: `JSON.rawJSON`, the `v` flag of patterns, `light-dark()`.
    target: ['chrome123', 'firefox135', 'safari18.4'],
  },
  server: { proxy: { '/api': GATEWAY } },
});
