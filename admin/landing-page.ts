import { hash } from 'node:crypto';

/**
 * Messages link to `/#/holds/<id>`, and a fragment never reaches the server: the script puts the id into commands. It
 * reads nothing else and asks for nothing.
 */
const script = `
  const commands = document.querySelector('#commands');
  function show() {
    const [, id] = /^#\\/holds\\/(hold_\\w+)$/.exec(location.hash) ?? [];
    const at = ' --url ' + location.origin + location.pathname.replace(/\\/+$/, '');
    commands.parentElement.hidden = id === undefined;
    commands.textContent = ['holds show', 'approve', 'reject']
      .map((verb) => 'npx holdpoint ' + verb + ' ' + id + (verb === 'reject' ? ' --code CODE' : '') + at)
      .join('\\n');
  }
  addEventListener('hashchange', show);
  show();
`;

/** What the page may do: show itself, and run its one script. */
export const landingPagePolicy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash('sha256', script, 'base64')}'`;

/** The page at `/`: an index of the API, and how to decide on the hold in its fragment. Static; no data. */
export const landingPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdpoint</title>
<style>
  :root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 12vh auto; padding: 0 1.5rem; }
  h1 { font-size: 2rem; letter-spacing: -0.02em; margin: 0; }
  h1 + p { margin-top: 0.25rem; opacity: 0.75; }
  dl { display: grid; grid-template-columns: auto 1fr; gap: 0.4rem 1.25rem; margin: 2rem 0;
       border-top: 1px solid var(--line); padding-top: 1.5rem; }
  dt, code { font: 0.9em ui-monospace, monospace; }
  dd { margin: 0; }
  pre { border: 1px solid var(--line); border-radius: 6px; padding: 1rem; overflow-x: auto; }
  @media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: 0.8rem } }
</style>
<h1>Holdpoint</h1>
<p>The reviewers' and operators' side of a gateway that allows, holds or blocks what agents do.</p>
<section hidden>
  <h2>This hold</h2>
  <p>Read it and decide from the command line, with your token in <code>HOLDPOINT_TOKEN</code>:</p>
  <pre id="commands"></pre>
</section>
<dl>
  <dt>/api/holds</dt><dd>held calls and their outcomes</dd>
  <dt>/api/holds/:id</dt><dd>one held call in full; claim and decide below it</dd>
  <dt>/api/stream</dt><dd>changes of holds</dd>
  <dt>/api/grants</dt><dd>approvals that cover further calls</dd>
  <dt>/api/delegations</dt><dd>who decides for which reviewer</dd>
  <dt>/api/agents /api/systems</dt><dd>who may call, and their kill switches</dd>
  <dt>/api/notices</dt><dd>undeliverable notifications</dd>
  <dt>/api/calls</dt><dd>recent calls of agents</dd>
  <dt>/api/policy</dt><dd>the policy in force</dd>
  <dt><a href="/api/openapi.json">/api/openapi.json</a></dt><dd>this API (OpenAPI 3.1)</dd>
  <dt><a href="/metrics">/metrics</a></dt><dd>Prometheus metrics</dd>
  <dt><a href="/-/livez">/-/livez</a> <a href="/-/readyz">/-/readyz</a></dt><dd>health</dd>
</dl>
<pre>curl -H "Authorization: Bearer $TOKEN" http://…/api/holds?status=pending</pre>
<script>${script}</script>
</html>
`;
