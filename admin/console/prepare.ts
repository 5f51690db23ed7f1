// `npm ci` runs this. With `--omit=dev` there is no Vite, and nothing is built: the image builds it in its own stage.
const vite = await import('vite').catch(() => null);
if (vite) await vite.build({ configFile: `${import.meta.dirname}/vite.config.ts`, logLevel: 'warn' });
else console.log('The console is not built: that needs the development dependencies. Everything else runs without it.');
