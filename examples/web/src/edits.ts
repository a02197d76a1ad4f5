// One's own edits: how the list looks with them, and how the server is asked for them. Each may be
// sent twice, since an answer can get lost; so each knows its own traces.
import type { ChangedFragment, TodoPlaceInput } from './__generated__/graphql';
import { dataOf } from './answers';
import { placed } from './moves';
import {
  COMPLETE,
  COMPLETE_MANY,
  CREATE,
  DELETE,
  type Problem,
  type Todo,
  UNDO,
  UPDATE,
} from './operations';
import { server } from './server';
import type { TodoMap } from './todos';

export interface Edit {
  /** The todos that it changes. */
  readonly ids: readonly string[];
  /** One of these as it is to be, from what it is; nothing, if there is no such todo any more. */
  readonly change: (todo: Todo | undefined, all: TodoMap) => Todo | undefined;
  /** Asks the server for it; throws as dataOf does. */
  readonly send: () => Promise<Answer>;
  /** What to say once it is done, where it can be undone. */
  readonly done?: string;
}

/** The todos as they are stored now, and what the server has against the edit. */
export interface Answer {
  readonly todos: readonly Todo[];
  readonly refusal?: string;
  readonly conflict?: Conflict;
  /** By which it can be undone; null if nothing was changed. */
  readonly undoCursor?: string | null;
  /** How it is undone, if not by its cursor. */
  readonly undo?: Edit;
  /** Whether no change tells of it, so that lists and counts have to be loaded again. */
  readonly isUnlogged?: boolean;
  /** What to say once it is done, if only the answer tells. */
  readonly done?: string;
}

/** A new title for a todo that has got another one from somebody else. */
export interface Conflict {
  readonly title: string;
  readonly stored: Todo;
}

const BLANK: Omit<Todo, 'id' | 'title'> = {
  status: 'PENDING',
  dueAt: null,
  dueDate: null,
  dueTimeZone: null,
  startAt: null,
  startDate: null,
  recurrence: null,
  snoozedUntil: null,
  version: 0,
  deletedAt: null,
  position: '',
  list: null,
  section: null,
  parent: null,
  progress: { total: 0, completed: 0 },
  assignee: null,
};

/** Adds a todo in a place. */
export function add(title: string, to: TodoPlaceInput): Edit {
  const id = crypto.randomUUID();
  const draft: Todo = { ...BLANK, id, title };
  return {
    ids: [id],
    change: (todo, all) => todo ?? placed(draft, to, all),
    async send() {
      const { todoCreate } = await dataOf(server.mutation(CREATE, { input: { id, title, to } }));
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
    done: `“${title}” is completed.`,
    async send() {
      const { todoComplete } = await dataOf(server.mutation(COMPLETE, { id }));
      return answer(todoComplete, `“${title}” was not completed.`);
    },
  };
}

export function reopen({ id, title }: Todo): Edit {
  const input = { status: 'PENDING' } as const;
  return {
    ids: [id],
    change: (todo) => todo && { ...todo, ...input },
    async send() {
      const { todoUpdate } = await dataOf(server.mutation(UPDATE, { id, input }));
      return answer(todoUpdate, `“${title}” was not reopened.`);
    },
  };
}

/** Completes up to 100 todos in one transaction; those that are gone don't hold back the others. */
export function completeAll(ids: readonly string[]): Edit {
  return {
    ids,
    change: (todo) => todo && { ...todo, status: 'COMPLETED' },
    done: ids.length === 1 ? 'One todo is completed.' : `${ids.length} todos are completed.`,
    async send() {
      const { todoBulkUpdate } = await dataOf(server.mutation(COMPLETE_MANY, { ids: [...ids] }));
      const { results = [], errors = [], undoCursor = null } = todoBulkUpdate ?? {};
      const todos = results.flatMap(({ todo }) => todo ?? []);
      return { todos, undoCursor, ...refusalOf(results, errors, ids.length, 'completed') };
    },
  };
}

export function remove({ id, title }: Todo): Edit {
  return {
    ids: [id],
    change: (todo) => todo && { ...todo, deletedAt: new Date().toISOString() },
    done: `“${title}” is deleted.`,
    async send() {
      const { todoDelete } = await dataOf(server.mutation(DELETE, { id }));
      // It is in the trash already, by an earlier try or by somebody else.
      if (todoDelete?.errors[0]?.code === 'NOT_FOUND') return { todos: [] };
      return answer(todoDelete, `“${title}” was not deleted.`);
    },
  };
}

/** Undoes all changes of the mutation that one belongs to. */
export function undo(cursor: string): Edit {
  return {
    ids: [],
    change: (todo) => todo,
    async send() {
      const { todoUndo } = await dataOf(server.mutation(UNDO, { cursor }));
      const { results = [], errors = [] } = todoUndo ?? {};
      return { todos: [], ...refusalOf(results, errors, results.length, 'undone') };
    },
  };
}

export function answer(payload: ChangedFragment | null, failure: string): Answer {
  const todos = payload?.todo ? [payload.todo] : [];
  const [problem] = payload?.errors ?? [];
  if (problem) return { todos, refusal: `${failure} ${problem.message}` };
  return { todos, undoCursor: payload?.undoCursor ?? null };
}

interface Problems {
  readonly errors: readonly { readonly message: string }[];
}

/** What the server has against some of many, if it has anything. */
function refusalOf(
  results: readonly Problems[],
  errors: Problems['errors'],
  number: number,
  verb: string,
): { refusal?: string } {
  const [problem] = [...errors, ...results.flatMap((result) => result.errors)];
  if (!problem) return {};
  const failed = results.filter((result) => result.errors.length > 0).length;
  const which = failed === 0 ? 'That was' : `${failed} of ${number} were`;
  return { refusal: `${which} not ${verb}. ${problem.message}` };
}

/** The todo as it is stored, if it stands in the way of a change. */
export function currentOf(
  payload: ChangedFragment | null,
  code: Problem['code'],
): Todo | undefined {
  const [problem] = payload?.errors ?? [];
  const isConflict = problem?.__typename === 'ConflictError' && problem.code === code;
  return isConflict && problem.current?.__typename === 'Todo' ? problem.current : undefined;
}
