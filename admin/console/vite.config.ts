import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The admin listener that `npm run dev:console` sends `/api` to: that of `npm run demo`. */
const GATEWAY = 'http://127.0.0.1:8081';
const FOLDER = import.meta.dirname;

/**
 * Tells Chromium to compile every function of a script while it arrives, in another thread than the one that paints. Else
 * that one compiles them one by one, and a slow phone shows its first picture a quarter of a second later.
 */
const compiledEarly: Plugin = {
  name: 'compiled-early',
  apply: 'build',
  generateBundle: {
    // The comment counts only where it comes first.
    order: 'post',
    handler(_options, bundle) {
      for (const file of Object.values(bundle))
        if (file.type === 'chunk') file.code = `//# allFunctionsCalledOnLoad\n${file.code}`;
    },
  },
};

/** Compresses once, here, what is served often: the listener sends `x.js.br` or `x.js.gz` in place of `x.js`. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  async closeBundle() {
    for await (const file of glob('dist/assets/*.{js,css,svg}', { cwd: FOLDER })) {
      const path = join(FOLDER, file);
      const bytes = await readFile(path);
      await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes));
      await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
    }
  },
};

export default defineConfig({
  root: FOLDER,
  plugins: [react(), compiledEarly, compressed],
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
