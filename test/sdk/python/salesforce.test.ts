import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Received } from '../../helpers/upstream.ts';
import { LOCALHOST } from '../../gateway/holds/notify/localhost-certificate.ts';
import { KEY, REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

const DATA = '/services/data/v59.0';

const contacts = new Map<string, object>();
const folder = mkdtempSync(join(tmpdir(), 'holdpoint-salesforce-'));
let csv = '';
let scene: Scene;
let front: Server;

/** As an instance of Salesforce answers. A query has pages of one, at paths from the root. */
function answer({ method, url, headers, body }: Received, origin: string): Answer {
  const { pathname, searchParams } = new URL(url, origin);
  if (pathname.startsWith(`${DATA}/query/`)) {
    const page = Number(pathname.split('-')[1] ?? 1);
    if (page === 1 && !searchParams.has('q'))
      return { status: 400, body: [{ errorCode: 'MALFORMED_QUERY', message: '' }] };
    const attributes = { type: 'Contact', url: `${DATA}/sobjects/Contact/00${page}` };
    const next = page < 3 ? { nextRecordsUrl: `${DATA}/query/01g-${page + 1}` } : {};
    return { body: { totalSize: 3, done: page === 3, ...next, records: [{ attributes, Id: `00${page}` }] } };
  }
  const job = {
    id: '750',
    object: 'Contact',
    operation: 'insert',
    contentUrl: `${DATA.slice(1)}/jobs/ingest/750/batches`,
  };
  switch (`${method} ${pathname}`) {
    case `POST ${DATA}/sobjects/Contact/`: {
      const id = `00${contacts.size + 4}`;
      contacts.set(id, JSON.parse(String(body)));
      return { status: 201, body: { id, success: true, errors: [] } };
    }
    case `GET ${DATA}/sobjects/Contact/004`:
      return { body: { Id: '004', ...contacts.get('004') } };
    case `POST ${DATA}/jobs/ingest`:
      return { body: { ...job, state: 'Open' } };
    case `PUT ${DATA}/jobs/ingest/750/batches`:
      csv = headers['content-type']?.startsWith('text/csv') ? String(body) : '';
      return { status: 201 };
    case `PATCH ${DATA}/jobs/ingest/750`:
      return { body: { ...job, state: JSON.parse(String(body)).state } };
    case 'POST /services/async/59.0/job':
    case 'POST /services/async/59.0/job/750':
      return headers['x-sfdc-session'] === KEY ? { body: { id: '750', state: 'Open' } } : { status: 401 };
    case 'POST /services/async/59.0/job/750/batch':
    case 'GET /services/async/59.0/job/750/batch/751':
      return { body: { id: '751', jobId: '750', state: 'Completed' } };
    case 'GET /services/async/59.0/job/750/batch/751/result':
      return { body: [{ id: '009', success: true, created: true, errors: [] }] };
    case `GET ${DATA}/jobs/ingest/750`:
      return {
        body: {
          ...job,
          state: 'JobComplete',
          numberRecordsProcessed: csv.split('\n').length - 2,
          numberRecordsFailed: 0,
        },
      };
    default:
      return { status: 404, body: [{ errorCode: 'NOT_FOUND', message: url }] };
  }
}

/** simple-salesforce speaks TLS only, and takes host and port alone: an operator ends TLS in front of the gateway. */
async function endTls(address: string): Promise<Readonly<Record<string, string>>> {
  const [host, port] = address.split(':') as [string, string];
  front = createServer(LOCALHOST, (socket) => {
    const inner = connect(Number(port), host);
    for (const each of [socket, inner]) each.on('error', () => {});
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, LOCALHOST.cert);
  return { INSTANCE: `https://127.0.0.1:${(front.address() as AddressInfo).port}`, REQUESTS_CA_BUNDLE: ca };
}

beforeAll(async () => {
  scene = await startScene({
    system: 'salesforce',
    answer,
    env: endTls,
    setup: `
      from simple_salesforce import Salesforce
      salesforce = Salesforce(instance_url=os.environ["INSTANCE"], session_id=TOKEN)
    `,
  });
}, 600_000);

afterAll(async () => {
  await scene?.close();
  await new Promise((closed) => front?.close(closed));
  rmSync(folder, { recursive: true });
});

test('simple-salesforce writes and reads a record with the token of the preset', async () => {
  expect(await scene.run('salesforce.Contact.create({"LastName": "Small"})["id"]')).toBe('004');
  expect(await scene.run('salesforce.Contact.get("004")["LastName"]')).toBe('Small');
  expect(scene.upstream.received.at(-1)!.headers.authorization).toBe(`Bearer ${KEY}`);
});

test('simple-salesforce pages through a query', async () => {
  const program = '[record["Id"] for record in salesforce.query_all("SELECT Id FROM Contact")["records"]]';
  expect(await scene.run(program)).toEqual(['001', '002', '003']);
});

test('simple-salesforce uploads records in bulk, and more than a megabyte at once', async () => {
  const program = `
    records = [{"LastName": "x" * 1000} for _ in range(1500)]
    salesforce.bulk2.Contact.insert(records=records, wait=1)[0]["numberRecordsProcessed"]
  `;
  expect(await scene.run(program)).toBe(1500);
  expect(csv.length).toBeGreaterThan(1_400_000);
});

test('simple-salesforce uploads records by the first Bulk API, which has the token in another header', async () => {
  const program = 'salesforce.bulk.Contact.insert([{"LastName": "Small"}])[0]["id"]';
  expect(await scene.run(program)).toBe('009');
});

test('simple-salesforce says why policy blocks a call', async () => {
  const program = 'salesforce.query("SELECT Secret FROM Contact")';
  await expect(scene.run(program)).rejects.toMatchObject({
    name: 'SalesforceRefusedRequest',
    message: expect.stringContaining(REASON),
  });
});

test('simple-salesforce says that a record waits for approval, and the same call creates it once it is approved', async () => {
  const create = 'salesforce.Contact.create({"LastName": "Large"})["id"]';
  await expect(scene.run(create)).rejects.toMatchObject({
    name: 'SalesforceGeneralError',
    message: expect.stringContaining('APPROVAL_PENDING'),
  });
  await scene.approveNext();
  expect(await scene.run(create)).toBe('005');
  expect(contacts.size).toBe(2);
  expect(await scene.held()).toBe(1);
});
