// Assigns a todo to a member of its list, or to nobody.
import type { PersonFragment as Person } from './__generated__/graphql';
import { dataOf } from './answers';
import { answer, type Edit } from './edits';
import { type Todo, UPDATE } from './operations';
import { server } from './server';

export function assign({ id, title }: Todo, assignee: Person | null): Edit {
  const input = { assigneeId: assignee?.id ?? null };
  return {
    ids: [id],
    change: (todo) => todo && { ...todo, assignee },
    done: assignee
      ? `“${title}” is assigned to ${assignee.username}.`
      : `“${title}” is assigned to nobody.`,
    async send() {
      const { todoUpdate } = await dataOf(server.mutation(UPDATE, { id, input }));
      return answer(todoUpdate, `“${title}” was not assigned.`);
    },
  };
}
