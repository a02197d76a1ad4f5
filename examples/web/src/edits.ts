// One's own edits: how the list looks with them, and how the server is asked for them. Each may be
// sent twice, since an answer can get lost; so each knows its own traces.
import { dataOf } from './answers';
import {
  COMPLETE,
  COMPLETE_MANY,
  CREATE,
  DELETE,
  type Problem,
  type Todo,
  UPDATE,
} from './operations';
import { server } from './server';

export interface Edit {
  /** The todos that it changes. */
  readonly ids: readonly string[];
  /** One of these as it is to be, from what it is; nothing, if there is no such todo any more. */
  readonly change: (todo: Todo | undefined) => Todo | undefined;
  /** Asks the server for it; throws as dataOf does. */
  readonly send: () => Promise<Answer>;
}

/** The todos as they are stored now, and what the server has against the edit. */
export interface Answer {
  readonly todos: readonly Todo[];
  readonly refusal?: string;
  readonly conflict?: Conflict;
}

/** A new title for a todo that has got another one from somebody else. */
export interface Conflict {
  readonly title: string;
  readonly stored: Todo;
}

interface Payload {
  todo: Todo | null;
  errors: Problem[];
}

export function add(title: string): Edit {
  const id = crypto.randomUUID();
  const createdAt = new Date().toISOString();
  const draft: Todo = { id, title, status: 'PENDING', version: 0, createdAt, deletedAt: null };
  return {
    ids: [id],
    change: (todo) => todo ?? draft,
    async send() {
      const { todoCreate } = await dataOf(server.mutation(CREATE, { id, title }));
      const stored = currentOf(todoCreate, 'ALREADY_EXISTS');
      // An earlier try had arrived, and only its answer was lost.
      if (stored) return { todos: [stored] };
      return answer(todoCreate, `“${title}” was not added.`);
    },
  };
}

/** `seen` is the todo as it was when its new title was thought of. */
export function rename(seen: Todo, title: string): Edit {
  const { id } = seen;
  async function send(expectedVersion = seen.version): Promise<Answer> {
    const variables = { id, input: { title }, expectedVersion };
    const { todoUpdate } = await dataOf(server.mutation(UPDATE, variables));
    const stored = currentOf(todoUpdate, 'CONFLICT');
    if (!stored) return answer(todoUpdate, `“${seen.title}” was not renamed to “${title}”.`);
    if (stored.title === title) return { todos: [stored] };
    // Something else of it was changed, which a new title leaves alone.
    if (stored.title === seen.title) return send(stored.version);
    return { todos: [stored], conflict: { title, stored } };
  }
  return { ids: [id], change: (todo) => todo && { ...todo, title }, send: () => send() };
}

export function complete({ id, title }: Todo): Edit {
  return {
    ids: [id],
    change: (todo) => todo && { ...todo, status: 'COMPLETED' },
    async send() {
      const { todoComplete } = await dataOf(server.mutation(COMPLETE, { id }));
      return answer(todoComplete, `“${title}” was not completed.`);
    },
  };
}

export function reopen({ id, title }: Todo): Edit {
  return {
    ids: [id],
    change: (todo) => todo && { ...todo, status: 'PENDING' },
    async send() {
      const { todoUpdate } = await dataOf(
        server.mutation(UPDATE, { id, input: { status: 'PENDING' } }),
      );
      return answer(todoUpdate, `“${title}” was not reopened.`);
    },
  };
}

/** Completes up to 100 todos in one transaction; those that are gone don't hold back the others. */
export function completeAll(ids: readonly string[]): Edit {
  return {
    ids,
    change: (todo) => todo && { ...todo, status: 'COMPLETED' },
    async send() {
      const { todoBulkUpdate } = await dataOf(server.mutation(COMPLETE_MANY, { ids: [...ids] }));
      const { results, errors } = todoBulkUpdate ?? { results: [], errors: [] };
      const todos = results.flatMap(({ todo }) => todo ?? []);
      const problems = [...errors, ...results.flatMap((result) => result.errors)];
      if (!problems[0]) return { todos };
      const failed = results.filter((result) => result.errors.length > 0).length || ids.length;
      const refusal = `${failed} of ${ids.length} were not completed. ${problems[0].message}`;
      return { todos, refusal };
    },
  };
}

export function remove({ id, title }: Todo): Edit {
  return {
    ids: [id],
    change: (todo) => todo && { ...todo, deletedAt: new Date().toISOString() },
    async send() {
      const { todoDelete } = await dataOf(server.mutation(DELETE, { id }));
      // It is in the trash already, by an earlier try or by somebody else.
      if (todoDelete?.errors[0]?.code === 'NOT_FOUND') return { todos: [] };
      return answer(todoDelete, `“${title}” was not deleted.`);
    },
  };
}

function answer(payload: Payload | null, failure: string): Answer {
  const todos = payload?.todo ? [payload.todo] : [];
  const [problem] = payload?.errors ?? [];
  return problem ? { todos, refusal: `${failure} ${problem.message}` } : { todos };
}

/** The todo as it is stored, if it stands in the way of a change. */
function currentOf(payload: Payload | null, code: Problem['code']): Todo | undefined {
  const [problem] = payload?.errors ?? [];
  const isConflict = problem?.__typename === 'ConflictError' && problem.code === code;
  return isConflict && problem.current?.__typename === 'Todo' ? problem.current : undefined;
}
