import { expect, test } from 'vitest';
import { schemaAt } from '../../../gateway/json/json-schema.ts';

const at = (schema: object, pointer: string) => schemaAt({ document: schema, schema }, pointer);

test('a place is found below members, elements and further members', () => {
  const schema = {
    properties: {
      'a/b': { type: 'string', maxLength: 5 },
      items: { items: { properties: { count: { type: 'integer', minimum: 0 } } } },
      pair: { prefixItems: [{ type: 'string' }], items: { type: 'boolean' } },
    },
    additionalProperties: { type: 'number' },
  };
  expect(at(schema, '/a~1b')).toEqual({ type: 'string', maxLength: 5 });
  expect(at(schema, '/items/7/count')).toEqual({ type: 'integer', minimum: 0 });
  expect(at(schema, '/pair/0')).toEqual({ type: 'string' });
  expect(at(schema, '/pair/1')).toEqual({ type: 'boolean' });
  expect(at(schema, '/other')).toEqual({ type: 'number' });
  expect(at(schema, '/a~1b/c')).toBeNull();
  expect(at({ properties: {} }, '/__proto__')).toBeNull();
});

test('a schema is written out without its references, and with what stands next to them', () => {
  const document = {
    components: {
      schemas: {
        'Mo ney': { type: 'integer' },
        Refund: { properties: { amount: { $ref: '#/components/schemas/Mo%20ney', title: 'Cents' } } },
      },
    },
  };
  const schema = { $ref: '#/components/schemas/Refund' };
  expect(schemaAt({ document, schema }, '/amount')).toEqual({ type: 'integer', title: 'Cents' });
  expect(schemaAt({ document, schema }, '')).toEqual({ properties: { amount: { type: 'integer', title: 'Cents' } } });
  for (const $ref of ['#/nothing', 'https://example.com/schema.json', '#/%E0'])
    expect(schemaAt({ document, schema: { properties: { amount: { $ref } } } }, '/amount')).toBeNull();
});

test('a place is found in each part of a schema that is put together', () => {
  const one = { properties: { amount: { type: 'integer' } } };
  const other = { properties: { amount: { maximum: 5 }, to: { type: 'string' } } };
  expect(at({ allOf: [one, other] }, '/amount')).toEqual({ allOf: [{ type: 'integer' }, { maximum: 5 }] });
  expect(at({ oneOf: [one, other] }, '/amount')).toEqual({ anyOf: [{ type: 'integer' }, { maximum: 5 }] });
  expect(at({ anyOf: [one, other] }, '/to')).toEqual({ type: 'string' });
});

test('what OpenAPI 3.0 says in its own words is said as JSON Schema does', () => {
  const schema = {
    properties: {
      colour: { type: 'string', nullable: true, enum: ['red'], example: 'red', xml: {} },
      amount: { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
    },
  };
  expect(at(schema, '/colour')).toEqual({ type: ['string', 'null'], enum: ['red', null] });
  expect(at(schema, '/amount')).toEqual({ type: 'number', minimum: 0, exclusiveMinimum: 0, maximum: 9 });
});

test('a schema that refers to itself, or is huge, is cut and not followed for ever', () => {
  const tree = { type: 'object', properties: { left: { $ref: '#' }, right: { $ref: '#' }, value: { type: 'string' } } };
  expect(at(tree, '/left/right/left/value')).toEqual({ type: 'string' });
  expect(JSON.stringify(at(tree, '')).length).toBeLessThan(20_000);
  expect(at({ $ref: '#' }, '/amount')).toBeNull();
  expect(at({ allOf: [{ $ref: '#' }] }, '/amount')).toBeNull();
  const long = {
    properties: {
      note: {
        description: 'x'.repeat(10_000),
        pattern: 'y'.repeat(10_000),
        enum: Array.from({ length: 10_000 }, (_, n) => n),
      },
    },
  };
  expect(at(long, '/note')).toEqual({ description: `${'x'.repeat(500)}…` });
});
