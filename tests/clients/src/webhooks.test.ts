// The documented receiver on Node takes what the server signs, and nothing else.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { received } from './webhook-receiver';

type Case = {
  name: string;
  secret: string;
  headers: Record<string, string>;
  body: string;
  is_genuine: boolean;
};

const cases = JSON.parse(readFileSync(process.env['WEBHOOK_CASES'] ?? '', 'utf8')) as Case[];
assert(cases.length > 0);

for (const each of cases) {
  test(each.name, () => {
    const event = received(each.secret, each.headers, each.body);
    assert.deepEqual(event, each.is_genuine ? JSON.parse(each.body) : null);
  });
}
