import type { Json } from '../../../domain/json.ts';

/** An inventory in the style of generated documents: everything under `components`, referred to. */
export const INVENTORY_30: Json = {
  openapi: '3.0.3',
  info: { title: 'Inventory', version: '2' },
  servers: [
    { url: 'https://{region}.inventory.example/v2', variables: { region: { default: 'eu' } } },
  ],
  security: [{ key: [] }],
  paths: {
    '/items': {
      get: {
        operationId: 'listItems',
        summary: 'List items',
        parameters: [
          { $ref: '#/components/parameters/State' },
          {
            name: 'limit',
            in: 'query',
            schema: { type: 'integer', minimum: 0, exclusiveMinimum: true, maximum: 100 },
          },
          {
            name: 'tags',
            in: 'query',
            schema: { type: 'array', maxItems: 5, items: { type: 'string', maxLength: 40 } },
          },
          { name: 'X-Request-Id', in: 'header', schema: { type: 'string' } },
        ],
        responses: { 200: { $ref: '#/components/responses/Items' } },
      },
      post: {
        operationId: 'createItem',
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/NewItem' } } },
        },
        responses: { 201: { description: 'made' } },
      },
    },
  },
  components: {
    securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' } },
    parameters: {
      State: { name: 'state', in: 'query', schema: { $ref: '#/components/schemas/State' } },
    },
    responses: {
      Items: {
        description: 'items',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                total: { type: 'integer' },
                items: { type: 'array', items: { $ref: '#/components/schemas/Item' } },
              },
            },
          },
        },
      },
    },
    schemas: {
      State: { type: 'string', enum: ['open', 'shut'] },
      Base: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', maxLength: 80 } },
      },
      NewItem: {
        allOf: [
          { $ref: '#/components/schemas/Base' },
          {
            type: 'object',
            required: ['count'],
            properties: {
              id: { type: 'string', readOnly: true },
              count: { type: 'integer', minimum: 0, exclusiveMinimum: true },
              'ship-to': {
                type: 'object',
                required: ['city'],
                nullable: true,
                properties: {
                  city: { type: 'string' },
                  zip: { type: 'string', pattern: '^[0-9]{4}$' },
                },
              },
            },
          },
        ],
      },
      Item: {
        type: 'object',
        properties: {
          id: { type: 'string' },
          name: { type: 'string' },
          owner: {
            type: 'object',
            properties: { email: { type: 'string' }, password: { type: 'string' } },
          },
        },
      },
    },
  },
};

/** Written by hand for 3.1: type lists, const, numbers as exclusive bounds. */
export const BILLING_31: Json = {
  openapi: '3.1.0',
  info: { title: 'Billing', version: '1' },
  servers: [{ url: 'https://billing.example/' }],
  paths: {
    '/invoices/{id}': {
      parameters: [
        { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
      ],
      patch: {
        operationId: 'updateInvoice',
        description: 'Changes one invoice.\n\nMore words.',
        requestBody: {
          content: {
            'application/merge-patch+json': {
              schema: {
                type: 'object',
                required: ['amount', 'kind', 'memo'],
                properties: {
                  amount: { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 100_000 },
                  memo: { type: ['string', 'null'], maxLength: 200 },
                  kind: { const: 'invoice' },
                  status: {
                    anyOf: [{ type: 'string', enum: ['draft', 'sent'] }, { type: 'null' }],
                  },
                },
              },
            },
          },
        },
        responses: { '2XX': { description: 'done' } },
      },
    },
  },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
};

const object = (properties: { [name: string]: Json }): Json => ({ type: 'object', properties });
const body = (schema: Json, type = 'application/json'): Json => ({
  content: { [type]: { schema } },
});
const id: Json = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };
const text: Json = { type: 'string' };

/** A hosting platform: no ids here, dots in ids there, and operations that nobody should get. */
export const PLATFORM_30: Json = {
  openapi: '3.0.0',
  info: { title: 'Platform', version: '1' },
  servers: [{ url: '/v1' }],
  paths: {
    '/volumes': { get: { operationId: 'volumes.list' } },
    '/volumes/{id}': {
      parameters: [id],
      delete: { operationId: 'volumes.delete', summary: 'Delete a volume and its backups' },
    },
    '/volumes/{id}/restore': { post: { parameters: [id] } },
    '/backups/purge': {
      post: {
        operationId: 'backups.purge',
        requestBody: body(object({ days: { type: 'integer' } })),
      },
    },
    '/projects/{id}/archive': { post: { operationId: 'projects.archive', parameters: [id] } },
    '/labels/{id}/remove': { post: { operationId: 'labels.remove', parameters: [id] } },
    '/buckets/{id}': {
      put: {
        operationId: 'buckets.configure',
        description: 'Sets options. Can delete old object versions.',
        parameters: [id],
        requestBody: body(object({ acl: text })),
      },
    },
    '/files': {
      post: { operationId: 'files.upload', requestBody: body(text, 'multipart/form-data') },
    },
    '/query': {
      post: {
        operationId: 'query.run',
        requestBody: body({ oneOf: [object({ a: text }), object({ b: text })] }),
      },
    },
    '/raw': {
      post: {
        operationId: 'raw.set',
        requestBody: body({ type: 'object', additionalProperties: true }),
      },
    },
    '/a/../admin': { get: { operationId: 'climb' } },
    '/elsewhere': {
      get: { operationId: 'elsewhere', servers: [{ url: 'https://169.254.169.254' }] },
    },
    '/headed': {
      get: {
        operationId: 'headed',
        parameters: [{ name: 'X-Tenant', in: 'header', required: true, schema: text }],
      },
    },
    '/unnamed/{other}': { get: { operationId: 'unnamed', parameters: [id] } },
    '/tokens': {
      post: {
        operationId: 'tokens.create',
        responses: {
          200: {
            description: 'a token',
            content: {
              'application/json': { schema: object({ id: text, token: text, expires: text }) },
            },
          },
        },
      },
    },
  },
};
