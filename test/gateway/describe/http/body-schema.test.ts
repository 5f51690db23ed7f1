import { expect, test } from 'vitest';
import { bodySchema } from '../../../../gateway/describe/http/body-schema.ts';

const json = { type: 'object', properties: { amount: { type: 'integer' } } };
const form = { type: 'object', properties: { amount: { type: 'string' } } };
const document = {
  openapi: '3.1.0',
  paths: {
    '/v1/refunds': {
      post: {
        operationId: 'createRefund',
        requestBody: { $ref: '#/components/requestBodies/Refund' },
      },
    },
    '/v1/notes/{id}': { put: { requestBody: { content: { '*/*': { schema: json } } } }, get: {} },
  },
  components: {
    requestBodies: {
      Refund: {
        content: {
          'application/json': { schema: json },
          'application/x-www-form-urlencoded; charset=utf-8': { schema: form },
        },
      },
    },
  },
};

test('the body of an operation is described for the type that was sent', () => {
  const of = (type: string, operation = 'createRefund') => bodySchema(document, operation, type);
  expect(of('application/json; charset=utf-8')).toEqual({ document, schema: json });
  expect(of('Application/Vnd.Api+JSON')).toEqual({ document, schema: json });
  expect(of('application/x-www-form-urlencoded')).toEqual({ document, schema: form });
  expect(of('text/csv')).toBeNull();
});

test('an operation without an operationId is known by its method and path, and may take any type', () => {
  expect(bodySchema(document, 'PUT /v1/notes/{id}', 'text/csv')).toEqual({ document, schema: json });
});

test('where a document says nothing of a body, there is no schema', () => {
  expect(bodySchema(document, 'GET /v1/notes/{id}', 'application/json')).toBeNull();
  expect(bodySchema(document, 'createPayout', 'application/json')).toBeNull();
  expect(bodySchema(undefined, 'createRefund', 'application/json')).toBeNull();
  expect(bodySchema({ openapi: '3.1.0' }, 'createRefund', 'application/json')).toBeNull();
});
