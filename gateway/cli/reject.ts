import type { ContextPackage } from '../../admin/api/hold-schemas.ts';
import { REJECT_CODES } from '../domain/hold.ts';
import { holdPath } from './admin-client.ts';
import { ADMIN_OPTIONS, connectAdmin } from './admin-connection.ts';
import { defineCommand } from './command.ts';
import { decisionLine } from './pages/decision-line.ts';
import { jsonPage } from './pages/json-page.ts';

export const reject = defineCommand({
  parameters: ['ID'],
  options: {
    code: { value: 'CODE', required: true, oneOf: REJECT_CODES, help: 'reason' },
    note: { value: 'TEXT', help: 'note, which the agent can read' },
    ...ADMIN_OPTIONS,
  },
  async run({ args: [id], values, terminal }) {
    const { code, note, json } = values;
    const client = connectAdmin(values);
    const { etag } = await client.get<ContextPackage>(holdPath(id!));
    const { body } = await client.post<ContextPackage>(`${holdPath(id!)}/reject`, etag, { code, note });
    terminal.out(json ? jsonPage(body) : decisionLine(body));
    return 0;
  },
});
