import { operationOf, type Operation } from './operations.ts';

export type Agent = {
  readonly id: string;
  readonly owner: string;
  readonly team: string;
  readonly roles: readonly string[];
  /** The user on whose behalf it works, if it says so. */
  readonly onBehalfOf: readonly string[];
  /** Whether it sends a traceparent. */
  readonly traced: boolean;
  /** Whether it says how sure it is. */
  readonly confident: boolean;
};

/** One operation that an agent runs, and how many of 10,000 calls of the year it makes up. */
export type Work = { readonly agent: Agent; readonly operation: Operation; readonly weight: number };

type Traits = Partial<Pick<Agent, 'onBehalfOf' | 'traced' | 'confident'>>;

const works: Work[] = [];

function agent(
  id: string,
  owner: string,
  team: string,
  runs: Readonly<Record<string, number>>,
  traits: Traits = {},
): void {
  const defaults = { onBehalfOf: [], traced: false, confident: false };
  const one: Agent = { id, owner: `${owner}@example.com`, team, roles: [team], ...defaults, ...traits };
  for (const [name, weight] of Object.entries(runs)) works.push({ agent: one, operation: operationOf(name), weight });
}

agent(
  'billing-bot',
  'ana',
  'finance',
  {
    'payments/getCharge': 500,
    'payments/listCharges': 300,
    'payments/createRefund': 320,
    'erp/getInvoice': 200,
  },
  { traced: true },
);
agent(
  'refund-helper',
  'ana',
  'finance',
  { 'payments/createRefund': 240, 'support/getTicket': 150 },
  { confident: true, onBehalfOf: ['support-desk'] },
);
agent('dunning-agent', 'ana', 'finance', { 'erp/getInvoice': 250, 'email/sendEmail': 250 });
agent('treasury-bot', 'ana', 'treasury', { 'payments/createPayout': 18, 'payments/listCharges': 100 });
agent(
  'sales-assistant',
  'ben',
  'sales',
  {
    'crm/searchContacts': 400,
    'crm/getContact': 350,
    'crm/updateContact': 250,
    'crm/createDeal': 120,
    'email/sendEmail': 200,
  },
  { confident: true },
);
agent('lead-enricher', 'ben', 'sales', { 'crm/getContact': 300, 'crm/bulkUpdateContacts': 250 });
agent('campaign-writer', 'ben', 'marketing', {
  'email/sendCampaign': 150,
  'email/buyAudience': 50,
  'models/createMessage': 80,
});
agent(
  'support-triage',
  'chi',
  'support',
  { 'support/getTicket': 500, 'support/updateTicket': 350, 'models/createMessage': 200 },
  { traced: true },
);
agent(
  'support-replies',
  'chi',
  'support',
  { 'support/getTicket': 250, 'support/replyToTicket': 420 },
  { confident: true },
);
agent(
  'code-reviewer',
  'dana',
  'platform',
  { 'github/getPull': 250, 'github/createComment': 150, 'models/createMessage': 250 },
  { traced: true },
);
agent('release-manager', 'dana', 'platform', { 'github/getPull': 200, 'github/mergePull': 110 });
agent('dependency-updater', 'dana', 'platform', { 'github/createPull': 120, 'github/getPull': 150 });
agent(
  'data-analyst',
  'eli',
  'data',
  { 'database/runQuery': 550, 'database/exportTable': 85, 'database/dropTable': 120 },
  { onBehalfOf: ['eli@example.com', 'insights'] },
);
agent('report-writer', 'eli', 'data', { 'database/runQuery': 120, 'erp/getReport': 120, 'email/sendEmail': 60 });
agent('procurement-agent', 'fay', 'operations', {
  'erp/getSupplier': 120,
  'erp/updateSupplier': 85,
  'erp/createPurchaseOrder': 150,
});
agent(
  'invoice-matcher',
  'fay',
  'operations',
  { 'erp/getInvoice': 150, 'erp/matchInvoice': 140, 'erp/postInvoice': 140 },
  { confident: true },
);
agent('inventory-watcher', 'fay', 'operations', { 'erp/getStock': 400 });
agent('hr-onboarding', 'gus', 'people', { 'github/addMember': 30, 'email/sendEmail': 60, 'github/createFork': 12 });
agent('ops-runner', 'hana', 'platform', {
  'database/runQuery': 100,
  'github/dispatchWorkflow': 60,
  'github/createFork': 30,
});

/** Who does what all the year. */
export const WORKS: readonly Work[] = works;

/** @throws when the agent does not exist. */
export function agentOf(id: string): Agent {
  const found = works.find((work) => work.agent.id === id);
  if (!found) throw new Error(`no agent ${id}`);
  return found.agent;
}
