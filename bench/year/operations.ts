import { FACTS } from './facts.ts';

/** The cost of an answer: `median` with `spread` around it; without `spread`, always the same. */
export type Price = { readonly unit: string; readonly median: number; readonly spread?: number };

export type Operation = {
  readonly system: string;
  readonly name: string;
  readonly method: string;
  /** Below the system; `{id}` stands for an identifier. */
  readonly path: string;
  readonly resource: string;
  /** How its identifiers begin. */
  readonly prefix: string;
  /** Until the system's answer begins: the median in milliseconds. */
  readonly upstreamMs: number;
  /** The policy's evaluation time: the median in microseconds. */
  readonly decideUs: number;
  /** Typical sizes of answers in bytes. */
  readonly responseBytes: number;
  readonly price?: Price;
  /** JSON pointers into the input of what masking takes out. */
  readonly masked?: readonly string[];
  /** The body of such a call, as JSON; `n` is a number that is different in most calls. */
  readonly body?: (n: number) => string;
};

type Rest = Partial<Omit<Operation, 'system' | 'name' | 'method' | 'path'>>;

function operation(system: string, name: string, method: string, path: string, rest: Rest): Operation {
  const defaults = { resource: path.split('/')[1]!, prefix: '', upstreamMs: 60, decideUs: 55, responseBytes: 900 };
  return { system, name, method, path, ...defaults, ...rest };
}

const { costAvoided, costBlocked, slowestUpstream, slowestDecision } = FACTS;

const payments = [
  operation('payments', 'getCharge', 'GET', '/v1/charges/{id}', { resource: 'charge', prefix: 'ch_', upstreamMs: 85 }),
  operation('payments', 'listCharges', 'GET', '/v1/charges', {
    resource: 'charge',
    upstreamMs: 140,
    responseBytes: 9_000,
  }),
  operation('payments', 'listPayouts', 'GET', '/v1/payouts', {
    resource: 'payout',
    upstreamMs: 130,
    responseBytes: 7_000,
  }),
  operation('payments', 'createRefund', 'POST', '/v1/refunds', {
    resource: 'refund',
    upstreamMs: 320,
    price: { unit: 'EUR', median: 0.35, spread: 0.5 },
    masked: ['/action/body/card'],
    body: (n) =>
      `{"charge":"ch_${(n * 7919).toString(36)}","amount":${100 + (n % 90_000)},"currency":"eur","reason":"requested_by_customer"}`,
  }),
  operation('payments', 'createPayout', 'POST', '/v1/payouts', {
    resource: 'payout',
    upstreamMs: 400,
    price: { unit: 'EUR', median: 1.1, spread: 0.2 },
    body: (n) => `{"amount":${100_000 + (n % 9_000_000)},"currency":"eur","method":"standard"}`,
  }),
];

const crm = [
  operation('crm', 'getContact', 'GET', '/contacts/{id}', { resource: 'contact', upstreamMs: 45 }),
  operation('crm', 'searchContacts', 'GET', '/contacts', {
    resource: 'contact',
    upstreamMs: 120,
    responseBytes: 14_000,
  }),
  operation('crm', 'exportContacts', 'GET', '/contacts/export', {
    resource: 'contact',
    upstreamMs: 600,
    responseBytes: 900_000,
  }),
  operation('crm', 'updateContact', 'PATCH', '/contacts/{id}', {
    resource: 'contact',
    masked: ['/action/body/phone'],
    body: (n) =>
      `{"stage":"${n % 3 === 0 ? 'qualified' : 'contacted'}","score":${n % 100},"note":"Called on ${n % 28}/${n % 12}"}`,
  }),
  operation('crm', 'bulkUpdateContacts', 'POST', '/contacts/batch', {
    resource: 'contact',
    upstreamMs: 480,
    body: (n) =>
      `{"filter":{"segment":"s${n % 40}"},"set":{"owner":"u${n % 12}","stage":"nurture"},"expected":${50 + (n % 4_000)}}`,
  }),
  operation('crm', 'createDeal', 'POST', '/deals', {
    resource: 'deal',
    upstreamMs: 90,
    body: (n) =>
      `{"name":"Renewal ${n % 100_000}","amount":${500 + (n % 50_000)},"currency":"EUR","pipeline":"default"}`,
  }),
];

const github = [
  operation('github', 'getPull', 'GET', '/repos/acme/shop/pulls/{id}', {
    resource: 'pull',
    upstreamMs: 180,
    responseBytes: 22_000,
  }),
  operation('github', 'createComment', 'POST', '/repos/acme/shop/issues/{id}/comments', {
    resource: 'comment',
    upstreamMs: 240,
    body: (n) => `{"body":"The test in line ${n % 900} does not cover the case of an empty list."}`,
  }),
  operation('github', 'createPull', 'POST', '/repos/acme/shop/pulls', {
    resource: 'pull',
    upstreamMs: 350,
    body: (n) => `{"title":"Bump package ${n % 700} to ${n % 20}.${n % 7}.0","head":"deps/${n % 9_999}","base":"main"}`,
  }),
  operation('github', 'mergePull', 'PUT', '/repos/acme/shop/pulls/{id}/merge', {
    resource: 'pull',
    upstreamMs: 420,
    body: (n) => `{"merge_method":"squash","sha":"${(n * 2_654_435_761).toString(16)}"}`,
  }),
  operation('github', 'dispatchWorkflow', 'POST', '/repos/acme/shop/actions/workflows/{id}/dispatches', {
    resource: 'workflow',
    upstreamMs: 260,
    price: { unit: 'EUR', median: 0.08, spread: 0.3 },
    body: (n) => `{"ref":"main","inputs":{"environment":"staging","build":"${n % 100_000}"}}`,
  }),
  operation('github', 'createFork', 'POST', '/repos/acme/shop/forks', {
    resource: 'fork',
    body: () => '{"organization":"acme-labs"}',
  }),
  operation('github', 'addMember', 'PUT', '/orgs/acme/memberships/{id}', {
    resource: 'membership',
    body: () => '{"role":"member"}',
  }),
];

const email = [
  operation('email', 'sendEmail', 'POST', '/messages', {
    resource: 'message',
    upstreamMs: 110,
    price: { unit: 'EUR', median: 0.01 },
    masked: ['/action/body/to'],
    body: (n) => `{"template":"t${n % 30}","subject":"Your order ${n % 1_000_000}","locale":"en"}`,
  }),
  operation('email', 'sendCampaign', 'POST', '/campaigns', {
    resource: 'campaign',
    upstreamMs: 700,
    price: { unit: 'EUR', median: 6, spread: 0.4 },
    body: (n) => `{"list":"l${n % 60}","recipients":${200 + (n % 60_000)},"subject":"News of week ${n % 52}"}`,
  }),
  operation('email', costBlocked.operation, 'POST', '/audiences', {
    resource: 'audience',
    upstreamMs: 500,
    price: { unit: costBlocked.unit, median: costBlocked.each },
    body: (n) => `{"vendor":"v${n % 9}","size":1000,"country":"DE"}`,
  }),
];

const database = [
  operation('database', slowestDecision.operation, 'POST', '/query', {
    resource: 'query',
    upstreamMs: 350,
    decideUs: slowestDecision.medianUs,
    responseBytes: 60_000,
    price: { unit: 'EUR', median: 0.9, spread: 0.9 },
    body: (n) =>
      `{"sql":"SELECT region, sum(net) AS net, count(*) AS orders FROM sales.orders WHERE day >= DATE '2025-01-01' + ${n % 300} AND channel = ${n % 7} GROUP BY region ORDER BY net DESC LIMIT ${10 + (n % 90)}","readonly":true}`,
  }),
  operation('database', costAvoided.operation, 'POST', '/tables/{id}/export', {
    resource: 'table',
    prefix: 'sales_',
    upstreamMs: 800,
    price: { unit: costAvoided.unit, median: costAvoided.each },
    body: (n) => `{"format":"parquet","to":"s3://exports/${n % 500}","rows":${n % 9_000_000}}`,
  }),
  operation('database', 'dropTable', 'DELETE', '/tables/{id}', { resource: 'table', prefix: 'tmp_' }),
];

const erp = [
  operation('erp', 'getInvoice', 'GET', '/invoices/{id}', { resource: 'invoice', upstreamMs: 75 }),
  operation('erp', 'getSupplier', 'GET', '/suppliers/{id}', { resource: 'supplier', upstreamMs: 70 }),
  operation('erp', 'getStock', 'GET', '/stock/{id}', { resource: 'stock', upstreamMs: 40, responseBytes: 300 }),
  operation('erp', slowestUpstream.operation, 'GET', '/reports/{id}', {
    resource: 'report',
    upstreamMs: slowestUpstream.medianMs,
    responseBytes: 240_000,
  }),
  operation('erp', 'matchInvoice', 'POST', '/invoices/{id}/match', {
    resource: 'invoice',
    upstreamMs: 210,
    body: (n) => `{"order":"PO-${n % 90_000}","net":${100 + (n % 40_000)},"tolerance":0.01}`,
  }),
  operation('erp', 'postInvoice', 'POST', '/invoices/{id}/post', {
    resource: 'invoice',
    upstreamMs: 260,
    body: (n) => `{"account":"${4_000 + (n % 900)}","cost_center":"cc${n % 50}","net":${100 + (n % 40_000)}}`,
  }),
  operation('erp', 'updateSupplier', 'PATCH', '/suppliers/{id}', {
    resource: 'supplier',
    upstreamMs: 130,
    masked: ['/action/body/iban'],
    body: (n) => `{"bank":"DE","valid_from":"2025-0${1 + (n % 9)}-01","contact":"c${n % 800}"}`,
  }),
  operation('erp', 'createPurchaseOrder', 'POST', '/purchase-orders', {
    resource: 'purchase-order',
    upstreamMs: 300,
    body: (n) =>
      `{"supplier":"s${n % 800}","sku":"A-${n % 5_000}","quantity":${1 + (n % 400)},"net":${50 + (n % 20_000)}}`,
  }),
];

const support = [
  operation('support', 'getTicket', 'GET', '/tickets/{id}', { resource: 'ticket', upstreamMs: 50 }),
  operation('support', 'updateTicket', 'PATCH', '/tickets/{id}', {
    resource: 'ticket',
    body: (n) => `{"priority":"${n % 5 === 0 ? 'high' : 'normal'}","queue":"q${n % 12}","tags":["t${n % 40}"]}`,
  }),
  operation('support', 'replyToTicket', 'POST', '/tickets/{id}/replies', {
    resource: 'ticket',
    upstreamMs: 95,
    masked: ['/action/body/text'],
    body: (n) => `{"public":true,"macro":"m${n % 80}","attachments":${n % 3}}`,
  }),
];

const models = [
  operation('models', 'createMessage', 'POST', '/v1/messages', {
    resource: 'message',
    upstreamMs: 900,
    decideUs: 120,
    responseBytes: 3_000,
    price: { unit: 'tokens', median: 1_800, spread: 0.8 },
    masked: ['/action/body/messages'],
    body: (n) => `{"model":"small-2","max_tokens":${256 * (1 + (n % 8))},"temperature":0.2}`,
  }),
];

const ALL = [...payments, ...crm, ...github, ...email, ...database, ...erp, ...support, ...models];

/** @param name `<system>/<operation>` */
export function operationOf(name: string): Operation {
  const found = ALL.find((one) => `${one.system}/${one.name}` === name);
  if (!found) throw new Error(`no operation ${name}`);
  return found;
}
