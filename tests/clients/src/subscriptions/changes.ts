// What every client for subscriptions has to show: what was missed comes first, then what is made
// meanwhile. The operation is plain text, so that the rest compiles on a schema without it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { print } from 'graphql';
import { CREATE } from '../operations';
import { type Execute, signUp } from '../round-trip';
import { authorization, type Session } from '../session';

export const CHANGES = `
  subscription Changes($after: String) {
    changes(after: $after) {
      __typename
      ... on Change {
        cursor
        action
        todo {
          title
        }
      }
      ... on ResyncRequired {
        reason
        cursor
      }
    }
  }
`;

export interface Changes {
  changes:
    | { __typename: 'Change'; cursor: string; action: string; todo: { title: string } | null }
    | { __typename: 'ResyncRequired'; reason: string; cursor: string };
}

/** Calls back with the data of each event, and gives what ends the subscription. */
export type Subscribe = (after: string, onEvent: (event: Changes) => void) => () => void;

async function post<Result>(session: Session, query: string, variables: unknown): Promise<Result> {
  const answer = await fetch(session.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization(session) },
    body: JSON.stringify({ query, variables }),
  });
  return ((await answer.json()) as { data: Result }).data;
}

export function followChanges(session: Session, subscribe: Subscribe): void {
  const execute: Execute = (document, variables) => post(session, print(document), variables);
  const create = (title: string) => execute(CREATE, { input: { title } });

  test('what was missed comes first, then what is made', { timeout: 20_000 }, async () => {
    await signUp(session, execute);
    const { changeCursor } = await post<{ changeCursor: string }>(session, '{ changeCursor }', {});
    await create('Missed');
    const seen: string[] = [];
    let end: () => void = () => undefined;
    await new Promise<void>((resolve) => {
      end = subscribe(changeCursor, ({ changes }) => {
        assert(changes.__typename === 'Change');
        seen.push(`${changes.action} ${changes.todo?.title}`);
        if (seen.length === 1) void create('Live');
        else resolve();
      });
    });
    end();
    assert.deepEqual(seen, ['CREATED Missed', 'CREATED Live']);
  });
}
