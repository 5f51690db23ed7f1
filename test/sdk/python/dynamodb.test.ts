import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Received } from '../../helpers/upstream.ts';
import { REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

const IDS = ['1', '2', '3'];

const items = new Map<string, unknown>();
let scene: Scene;

/** As DynamoDB answers: every operation is a POST to the root, named in a header. A scan has pages of one. */
function answer({ headers, body }: Received): Answer {
  const asked = JSON.parse(String(body));
  const json = (value: object): Answer => ({
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'R1' },
    body: Buffer.from(JSON.stringify(value)),
  });
  switch (headers['x-amz-target']) {
    case 'DynamoDB_20120810.PutItem':
      items.set(asked.Item.id.S, asked.Item);
      return json({});
    case 'DynamoDB_20120810.GetItem':
      return json({ Item: items.get(asked.Key.id.S) });
    case 'DynamoDB_20120810.Scan': {
      const at = IDS.indexOf(asked.ExclusiveStartKey?.id.S) + 1;
      const last = at < IDS.length - 1 ? { LastEvaluatedKey: { id: { S: IDS[at] } } } : {};
      return json({ Items: [{ id: { S: IDS[at] } }], Count: 1, ScannedCount: 1, ...last });
    }
    default:
      return { ...json({ __type: 'com.amazon.coral.service#UnknownOperationException' }), status: 400 };
  }
}

beforeAll(async () => {
  scene = await startScene({
    system: 'dynamodb',
    settings: { preset: undefined, credential: undefined, refusals: 'aws-json' },
    answer,
    setup: `
      import boto3
      from botocore.config import Config
      config = Config(retries={"mode": "standard", "total_max_attempts": 20})
      keys = {"aws_access_key_id": TOKEN, "aws_secret_access_key": "any"}
      db = boto3.client("dynamodb", endpoint_url=URL, region_name="eu-west-1", config=config, **keys)
      def put(id, note):
          return db.put_item(TableName="orders", Item={"id": {"S": id}, "note": {"S": note}})
    `,
  });
}, 600_000);

afterAll(async () => scene?.close());

test('boto3 writes and reads an item of DynamoDB', async () => {
  await scene.run('put("1", "small")');
  expect(await scene.run('db.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]["note"]')).toEqual({
    S: 'small',
  });
});

test('boto3 pages through a table of DynamoDB', async () => {
  const program = `
    pages = db.get_paginator("scan").paginate(TableName="orders", PaginationConfig={"PageSize": 1})
    [item["id"]["S"] for page in pages for item in page["Items"]]
  `;
  expect(await scene.run(program)).toEqual(IDS);
});

test('boto3 says why policy blocks an item of DynamoDB', async () => {
  await expect(scene.run('put("2", "a secret")')).rejects.toMatchObject({
    name: 'ClientError',
    message: `An error occurred (AccessDeniedException) when calling the PutItem operation: ${REASON}`,
  });
});

test('boto3 retries a held item of DynamoDB until it is approved, and it is written once', async () => {
  const written = scene.run('put("3", "a large one")["ResponseMetadata"]["HTTPStatusCode"]');
  await scene.approveNext();
  expect(await written).toBe(200);
  expect(items.get('3')).toMatchObject({ note: { S: 'a large one' } });
  expect(await scene.held()).toBe(1);
});

test('policy sees the body and the operation of a call to DynamoDB', async () => {
  const { input } = (await scene.plane.events()).find(({ type }) => type === 'call.decided')!;
  expect(JSON.parse(String(input)).action).toMatchObject({
    headers: { 'x-amz-target': 'DynamoDB_20120810.PutItem' },
    body: { TableName: 'orders' },
  });
});
