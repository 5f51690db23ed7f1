import { Client } from '@hubspot/api-client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { Answer, KEY, REASON } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

let system: Preset;
let hubspot: Client;

const contact = (id: string, properties: object = {}) => ({
  id,
  properties,
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
  archived: false,
});

beforeAll(async () => {
  system = await startPreset('hubspot', ({ method, url, body }, own) => {
    const { pathname, searchParams } = new URL(url, 'http://a');
    switch (`${method} ${pathname}`) {
      case 'GET /crm/v3/objects/contacts': {
        const n = Number(searchParams.get('after') ?? 1);
        const next = { after: String(n + 1), link: `${own}/crm/v3/objects/contacts?limit=1&after=${n + 1}` };
        return { results: [contact(String(n))], ...(n < 3 && { paging: { next } }) };
      }
      case 'GET /crm/v3/objects/contacts/1':
        return contact('1');
      case 'POST /crm/v3/objects/contacts':
        return new Answer(201, {}, contact('9', JSON.parse(body.toString()).properties));
      case 'POST /files/v3/files':
        return new Answer(201, {}, { ...contact('f1'), access: 'PRIVATE', size: body.length });
      default:
        return new Answer(404, {}, { status: 'error', message: 'resource not found', category: 'OBJECT_NOT_FOUND' });
    }
  });
  hubspot = new Client({ accessToken: TOKEN, basePath: system.url, numberOfApiCallRetries: 6 });
  // The client writes its retries to the console.
  vi.spyOn(console, 'error').mockImplementation(() => {});
});

afterAll(async () => {
  vi.restoreAllMocks();
  await system?.close();
});

const create = (name: string) =>
  hubspot.crm.contacts.basicApi.create({ properties: { firstname: name }, associations: [] });

test("HubSpot's client lists, reads and writes with the key of the system", async () => {
  expect((await hubspot.crm.contacts.basicApi.getPage(1, undefined, ['email', 'firstname'])).results).toMatchObject([
    { id: '1' },
  ]);
  expect(await hubspot.crm.contacts.basicApi.getById('1')).toMatchObject({ id: '1' });
  expect(await create('Ana')).toMatchObject({ id: '9', properties: { firstname: 'Ana' } });
  expect(system.headers().authorization).toBe(`Bearer ${KEY}`);
  system.expectNoToken();
});

test("HubSpot's client pages through contacts, and the link to the next page leads through the gateway", async () => {
  expect((await hubspot.crm.contacts.getAll(1)).map(({ id }) => id)).toEqual(['1', '2', '3']);
  const { paging } = await hubspot.crm.contacts.basicApi.getPage(1);
  expect(paging?.next?.link).toBe(`${system.url}/crm/v3/objects/contacts?limit=1&after=2`);
});

test("HubSpot's client uploads a file", async () => {
  const options = JSON.stringify({ access: 'PRIVATE' });
  const file = { data: Buffer.from('hello'), name: 'a.txt' };
  expect(await hubspot.files.filesApi.upload(file, undefined, '/docs', 'a.txt', undefined, options)).toMatchObject({
    id: 'f1',
  });
});

test("an exception of HubSpot's client says why a contact is blocked", async () => {
  await expect(create('secret')).rejects.toMatchObject({ code: 403, body: { status: 'error', message: REASON } });
});

test("HubSpot's client retries a held contact until it is approved, and it is created once", async () => {
  expect(await system.approved(() => create('large'))).toMatchObject({ properties: { firstname: 'large' } });
});
