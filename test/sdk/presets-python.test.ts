import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../helpers/data-plane.ts';
import { pythonWith } from '../helpers/python.ts';
import { headersAt, KEY, REASON, startPresets, type Presets } from './presets.ts';

const PRESETS = [
  'anthropic',
  'confluence',
  'elasticsearch',
  'gitlab',
  'google-cloud-storage',
  'kubernetes',
  's3',
  'salesforce',
  'twilio',
];
const NAMESPACES = { kind: 'NamespaceList', apiVersion: 'v1', metadata: {}, items: [{ metadata: { name: 'shop' } }] };
const ANSWERS: Readonly<Record<string, unknown>> = {
  'anthropic POST /v1/messages': {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [{ type: 'text', text: 'Hi.' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 1, output_tokens: 1 },
  },
  'confluence GET /rest/api/space': { results: [{ key: 'SHOP' }] },
  'elasticsearch POST /a/_search': { hits: { total: { value: 3 }, hits: [] } },
  'elasticsearch PUT /a/_doc/1': { result: 'created' },
  'gitlab GET /api/v4/projects/group%2Fshop': { id: 7 },
  'google-cloud-storage GET /storage/v1/b/shop': { kind: 'storage#bucket', name: 'shop' },
  'kubernetes GET /api/v1/namespaces': NAMESPACES,
  's3 GET /shop/a/b': { an: 'object' },
  'salesforce GET /services/data/v59.0/query/': { totalSize: 1, done: true, records: [{ Id: '003' }] },
  'twilio POST /2010-04-01/Accounts/AC1/Messages.json': { sid: 'SM1' },
};

let presets: Presets;
let python: string;

beforeAll(async () => {
  [presets, python] = await Promise.all([
    startPresets(PRESETS, (preset, { method, url }) => ANSWERS[`${preset} ${method} ${url.split('?')[0]}`]),
    pythonWith([
      'python-gitlab==8.6.0',
      'elasticsearch==9.5.1',
      'anthropic==2.14.0',
      'boto3==1.44.8',
      'kubernetes==37.0.1',
      'twilio==9.13.0',
      'simple-salesforce==1.12.10',
      'atlassian-python-api==5.0.5',
      'google-cloud-storage==3.17.1',
    ]),
  ]);
}, 900_000);

afterAll(async () => presets?.close());

/** What a program prints: its results, and the class and text of the exception that ends it. */
async function printed(program: string): Promise<string[]> {
  const body = program
    .trim()
    .split('\n')
    .map((line) => `    ${line}`);
  const whole = `
import os
URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]
try:
${body.join('\n')}
except Exception as error:
    print(type(error).__name__, str(error).replace("\\n", " "))
`;
  const env = { URL: presets.plane.url, TOKEN };
  const { stdout } = await promisify(execFile)(python, ['-c', whole], { env });
  return stdout.trim().split('\n');
}

const bearer = { authorization: `Bearer ${KEY}` };
const basic = { authorization: `Basic ${Buffer.from(KEY).toString('base64')}` };

test.each([
  [
    'python-gitlab',
    'gitlab',
    `import gitlab
projects = gitlab.Gitlab(URL + "/gitlab", private_token=TOKEN).projects
print(projects.get("group/shop").id)
projects.get("secret")`,
    '7',
    'GitlabGetError 403: ',
    { 'private-token': KEY },
  ],
  [
    'boto3',
    's3',
    `import boto3, botocore, botocore.config
config = botocore.config.Config(signature_version=botocore.UNSIGNED, s3={"addressing_style": "path"})
s3 = boto3.client("s3", endpoint_url=URL + "/s3", region_name="eu-west-1", config=config)
s3.meta.events.register("before-sign.s3", lambda request, **_: request.headers.add_header("X-Api-Key", TOKEN))
print(s3.get_object(Bucket="shop", Key="a/b")["Body"].read().decode())
s3.get_object(Bucket="shop", Key="secret")`,
    '{"an":"object"}',
    'AccessDenied An error occurred (AccessDenied) when calling the GetObject operation: ',
    {},
  ],
  [
    'kubernetes',
    'kubernetes',
    `import kubernetes
configuration = kubernetes.client.Configuration(host=URL + "/kubernetes")
configuration.api_key = {"BearerToken": "Bearer " + TOKEN, "authorization": "Bearer " + TOKEN}
core = kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(configuration))
print(core.list_namespace().items[0].metadata.name)
core.read_namespace("secret")`,
    'shop',
    'ForbiddenException (403)',
    bearer,
  ],
  [
    'google-cloud-storage',
    'google-cloud-storage',
    `from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
options = {"api_endpoint": URL + "/google-cloud-storage"}
client = storage.Client(project="p", credentials=AnonymousCredentials(), client_options=options, extra_headers={"X-Api-Key": TOKEN})
print(client.get_bucket("shop").name)
client.get_bucket("secret")`,
    'shop',
    'Forbidden 403 ',
    bearer,
  ],
  [
    'simple-salesforce',
    'salesforce',
    `import simple_salesforce
salesforce = simple_salesforce.Salesforce(instance_url=URL + "/salesforce", session_id=TOKEN)
salesforce.base_url = URL + "/salesforce/services/data/v59.0/"
print(salesforce.query("SELECT Id FROM Contact")["records"][0]["Id"])
salesforce.query("SELECT Secret FROM Contact")`,
    '003',
    'SalesforceRefusedRequest ',
    bearer,
  ],
  [
    'atlassian-python-api',
    'confluence',
    `import atlassian
confluence = atlassian.Confluence(url=URL + "/confluence", token=TOKEN)
print(confluence.get("rest/api/space")["results"][0]["key"])
confluence.get("rest/api/space/secret")`,
    'SHOP',
    'HTTPError ',
    basic,
  ],
  [
    'twilio',
    'twilio',
    `import twilio.rest
client = twilio.rest.Client("AC1", TOKEN)
client.api.base_url = URL + "/twilio"
print(client.messages.create(to="+15005550006", from_="+15005550006", body="Hi").sid)
client.messages.create(to="+15005550006", from_="+15005550006", body="secret")`,
    'SM1',
    'TwilioRestException ',
    basic,
  ],
  [
    'requests, whose raise_for_status shows no body,',
    'gitlab',
    `import requests
headers = {"Authorization": "Bearer " + TOKEN}
print(requests.get(URL + "/gitlab/api/v4/projects/group%2Fshop", headers=headers).json()["id"])
requests.get(URL + "/gitlab/secret", headers=headers).raise_for_status()`,
    '7',
    'HTTPError 403 Client Error: ',
    { 'private-token': KEY },
  ],
])('%s is answered with preset: %s, and its exception says why policy blocks a call', async (...row) => {
  const [, preset, program, result, exception, headers] = row;
  const [read, raised = ''] = await printed(program);
  expect(read).toBe(result);
  expect(raised.slice(0, exception.length)).toBe(exception);
  expect(raised).toContain(REASON);
  expect(headersAt(presets, preset)).toMatchObject(headers);
});

test.each([
  [
    'elasticsearch-py',
    'elasticsearch',
    `import elasticsearch
client = elasticsearch.Elasticsearch(URL + "/elasticsearch", bearer_auth=TOKEN)
print(client.search(index="a")["hits"]["total"]["value"])
print(client.index(index="a", id="1", document={"note": "large"})["result"])
client.search(index="secret")`,
    ['3', 'created'],
    'AuthorizationException(403, ',
    { authorization: `ApiKey ${KEY}` },
  ],
  [
    'anthropic',
    'anthropic',
    `import anthropic
client = anthropic.Anthropic(api_key=TOKEN, base_url=URL + "/anthropic")
ask = lambda text: client.messages.create(model="claude", max_tokens=9, messages=[{"role": "user", "content": text}])
print(ask("Hi").content[0].text)
print(ask("a large one").content[0].text)
ask("a secret")`,
    ['Hi.', 'Hi.'],
    'Error code: 403 - ',
    { 'x-api-key': KEY },
  ],
])('%s reads, writes once it is approved, and says why it is blocked, with preset: %s', async (...row) => {
  const [, preset, program, results, exception, headers] = row;
  const output = printed(program);
  await presets.approveNext();
  const lines = await output;
  expect(lines.slice(0, -1)).toEqual(results);
  expect(lines.at(-1)).toContain(exception);
  expect(lines.at(-1)).toContain(REASON);
  expect(headersAt(presets, preset)).toMatchObject(headers);
});
