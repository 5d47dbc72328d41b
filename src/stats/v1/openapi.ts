import { z } from 'zod';
import { type Access, OPERATIONS, type Operation } from './operations.ts';
import { SCHEMAS, type SchemaName } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

const registry = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id });

const refTo = (name: SchemaName): Json => ({ $ref: `#/components/schemas/${name}` });

/** Without what names a schema outside of a document. */
const bare = ({ $schema: _schema, $id: _id, id: _name, ...rest }: Record<string, unknown>): Json => rest;

const components = (): Record<string, Json> => {
  const made = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}`, io: 'input' });
  return Object.fromEntries(Object.entries(made.schemas).map(([name, schema]) => [name, bare(schema)]));
};

const FAILURES: Readonly<Record<number, string>> = {
  400: 'The request is wrong.',
  401: 'No key, or one that is not known.',
  403: 'The key may not do this.',
  404: 'There is no such thing.',
  409: 'It contradicts what is there.',
  429: 'Too many requests; Retry-After says when to come again.',
  500: 'It could not be stored.',
};
const OF_ACCESS: Readonly<Record<Access, readonly number[]>> = {
  open: [429],
  read: [401, 403, 429],
  write: [401, 403, 429],
  admin: [401, 403, 429],
};
const RIGHTS: Readonly<Record<Access, string>> = {
  open: 'For everybody.',
  read: 'Needs an API key.',
  write: 'Needs an API key that may write.',
  admin: 'Needs an admin API key.',
};

const PATH_PARAMETERS: Readonly<Record<string, string>> = {
  id: 'Percent-encoded, with its slashes.',
  key: 'key of the player.',
};

const parametersOf = ({ path, query }: Operation): Json[] => {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, description: PATH_PARAMETERS[name!], schema: { type: 'string' } },
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => {
    const { description, ...rest } = bare(z.toJSONSchema(schema as z.ZodType, { io: 'output' }));
    return { name, in: 'query', required: false, ...(description ? { description } : {}), schema: rest };
  });
  return [...inPath, ...inQuery];
};

const operationOf = (operation: Operation): Json => {
  const { id, part, summary, access, body, answer, status = 200, failures = [] } = operation;
  const parameters = parametersOf(operation);
  const codes = [...new Set([...failures, ...OF_ACCESS[access]])].sort((a, b) => a - b);
  const success =
    typeof answer === 'string'
      ? {
          description: SCHEMAS[answer].description,
          content: { 'application/json': { schema: refTo(answer) } },
        }
      : {
          description: answer.about,
          content: { [answer.type]: { schema: { type: answer.type === 'application/json' ? 'object' : 'string' } } },
        };
  return {
    ...{ operationId: id, tags: [part], summary, description: RIGHTS[access] },
    ...(access === 'open' ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: refTo(body) } } } } : {}),
    responses: {
      [status]: success,
      ...Object.fromEntries(
        codes.map((code) => [
          code,
          { description: FAILURES[code], content: { 'application/json': { schema: refTo('Failure') } } },
        ]),
      ),
    },
  };
};

/** The OpenAPI 3.1 document of `/v1`, made of its operations and schemas. */
export const openApiDocument = (version: string): Json => {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] ??= {};
    paths[operation.path]![operation.method] = operationOf(operation);
  }
  return {
    openapi: '3.1.0',
    info: {
      ...{ title: 'Tributary', version, license: { name: 'MIT', identifier: 'MIT' } },
      description:
        "The node's own API, on the port of statistics. Times are milliseconds unless a name says otherwise; those of the wall clock are Unix time. The APIs of others that a node answers in as well are in docs/api.md.",
    },
    servers: [{ url: '/' }],
    tags: [...new Set(OPERATIONS.map(({ part }) => part))].map((name) => ({ name })),
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key of the node.' } },
      schemas: components(),
    },
  };
};
