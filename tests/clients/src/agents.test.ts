// The SDKs in TypeScript against the running server: the session of an agent that the Python SDK plays, too.
// The newer SDK speaks the newest revision of the protocol, the older one those with a handshake.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';

type Step = {
  tool: string;
  arguments: Record<string, unknown>;
  refused?: string[];
  holds?: Record<string, unknown>;
  saves?: Record<string, string>;
};

const { TODO_MCP = '', TODO_TOKEN = '', TODO_SESSION = '' } = process.env;
const steps = JSON.parse(readFileSync(TODO_SESSION, 'utf-8')) as Step[];

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce((inner, step) => (inner as Record<string, unknown>)[step], value);

const fill = (value: unknown, saved: Record<string, unknown>): unknown => {
  if (typeof value === 'string' && value.startsWith('$')) return saved[value.slice(1)];
  if (Array.isArray(value)) return value.map((each) => fill(each, saved));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fill(each, saved)]));
};

const IMPLEMENTATION = { name: 'todo-gql-tests', version: '1.0.0' };

// What the clients of both have in common, as far as it is called here.
type Agent = Pick<OldClient, 'listTools' | 'listResources' | 'listResourceTemplates' | 'close'> & {
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  readResource(what: { uri: string }): Promise<{ contents: unknown }>;
};

const connect = async (token: string, isNew: boolean): Promise<Agent> => {
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  if (!isNew) {
    const client = new OldClient(IMPLEMENTATION);
    await client.connect(new OldTransport(new URL(TODO_MCP), { requestInit }));
    return client;
  }
  const client = new Client(IMPLEMENTATION, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new StreamableHTTPClientTransport(new URL(TODO_MCP), { requestInit }));
  assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28');
  return client as unknown as Agent;
};

const isNew = process.env.TODO_SDK === 'new';

test('an agent works with all tools, as their schemas say', async () => {
  const client = await connect(TODO_TOKEN, isNew);
  const { tools } = await client.listTools();
  assert.deepEqual(new Set(steps.map((step) => step.tool)), new Set(tools.map((tool) => tool.name)));
  const saved: Record<string, unknown> = {};
  for (const [index, step] of steps.entries()) {
    const sent = { name: step.tool, arguments: fill(step.arguments, saved) as Step['arguments'] };
    // Fails where the structured content isn't as the tool's output schema says.
    const result = CallToolResultSchema.parse(await client.callTool(sent));
    const [content] = result.content;
    assert(content?.type === 'text');
    const where = `call ${index + 1}, ${step.tool}: ${content.text}`;
    assert.equal(result.isError ?? false, step.refused !== undefined, where);
    for (const word of step.refused ?? []) assert(content.text.includes(word), where);
    for (const [path, expected] of Object.entries(step.holds ?? {}))
      assert.deepEqual(at(result.structuredContent, path), expected, where);
    for (const [name, path] of Object.entries(step.saves ?? {}))
      saved[name] = at(result.structuredContent, path);
  }
  await client.close();
});

test('the resources are the lists', async () => {
  const client = await connect(TODO_TOKEN, isNew);
  const { resources } = await client.listResources();
  assert.deepEqual(resources.map((resource) => resource.name), ['Home']);
  const [home] = resources;
  assert(home);
  const { contents } = await client.readResource({ uri: home.uri });
  assert.match(JSON.stringify(contents), /Bake bread/);
  const { resourceTemplates } = await client.listResourceTemplates();
  assert.deepEqual(resourceTemplates.map((each) => each.uriTemplate), [
    'todo://lists/{id}',
    'todo://todos/{id}',
  ]);
  await client.close();
});

test('a token that opens nothing is refused', async () => {
  await assert.rejects(connect('wrong', isNew), /401|Unauthorized|invalid/i);
});
