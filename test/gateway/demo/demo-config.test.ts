import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../../gateway/config/config.ts';
import { createTokens, demoConfig } from '../../../gateway/demo/demo-config.ts';

it('the demo writes a configuration that the gateway accepts, without any token of an agent or reviewer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-demo-'));
  try {
    const tokens = createTokens();
    const text = demoConfig({ agents: 8080, payments: 8090, admin: 8081, api: 8091, warehouse: 8092 }, tokens);
    writeFileSync(join(folder, 'holdpoint.yaml'), text);
    const config = loadConfig(join(folder, 'holdpoint.yaml'), {});
    expect(config.systems.map(({ name, listen }) => ({ name, listen }))).toEqual([
      { name: 'payments', listen: '127.0.0.1:8090' },
      { name: 'warehouse', listen: undefined },
    ]);
    expect(config.agents.map(({ id, owner }) => ({ id, owner }))).toEqual([
      { id: 'billing-bot', owner: 'ana@example.com' },
      { id: 'stock-bot', owner: 'ana@example.com' },
    ]);
    expect(config.reviewers.map(({ id, groups }) => ({ id, groups }))).toEqual([
      { id: 'ana@example.com', groups: ['finance'] },
      { id: 'ben@example.com', groups: ['finance'] },
      { id: 'cleo@example.com', groups: ['finance', 'finance-leads'] },
    ]);
    for (const token of [tokens.agent, tokens.stockBot, tokens.owner, tokens.reviewer, tokens.secondReviewer])
      expect(text).not.toContain(token);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
