// The list: what the server told of it, and one's own edits on top until the server has them.
import { computed, signal } from '@preact/signals';
import type { Conflict, Edit } from './edits';
import type { Todo } from './operations';

/** Down to where the list is loaded; `next` is where to go on, null at its end. */
export interface Loaded {
  readonly last: Todo | undefined;
  readonly next: string | null;
}

export class Todos {
  /** What the server told, by id; also of deleted todos, so that no late answer revives one. */
  readonly told = signal<ReadonlyMap<string, Todo>>(new Map());
  /** One's own edits that the server hasn't acknowledged, oldest first. */
  readonly edits = signal<readonly Edit[]>([]);
  /** Null until the first page is there. */
  readonly loaded = signal<Loaded | null>(null);
  /** The newest change that is in `told`; undefined when everything has to be loaded. */
  cursor: string | undefined;

  /** Why edits are late; empty when they aren't. */
  readonly sendingTrouble = signal('');
  /** Why changes made elsewhere were last late. */
  readonly followingTrouble = signal('');
  /** What the server refused, and why. */
  readonly refusals = signal<readonly string[]>([]);
  /** New titles for todos that somebody else has renamed meanwhile. */
  readonly conflicts = signal<readonly Conflict[]>([]);

  /** The list as it looks once all edits are done, newest first. */
  readonly shown = computed(() => {
    const todos = new Map(this.told.value);
    for (const { ids, change } of this.edits.value) {
      for (const id of ids) {
        const changed = change(todos.get(id));
        if (changed) todos.set(id, changed);
      }
    }
    return [...todos.values()].filter((todo) => this.#isWithin(todo)).sort(newestFirst);
  });

  /** The ids of the todos with edits that aren't acknowledged. */
  readonly unsaved = computed(() => new Set(this.edits.value.flatMap(({ ids }) => ids)));

  /** Asks which title a todo is to have, in the place of what was asked before. */
  ask(conflict: Conflict): void {
    const { id } = conflict.stored;
    const others = this.conflicts.value.filter(({ stored }) => stored.id !== id);
    this.conflicts.value = [...others, conflict];
  }

  /** Tells what the server refused; `isRead` once it need not be told any longer. */
  refuse(refusal: string, isRead = false): void {
    const others = this.refusals.value.filter((other) => other !== refusal);
    this.refusals.value = isRead ? others : [...others, refusal];
  }

  edit(edit: Edit): void {
    this.edits.value = [...this.edits.value, edit];
  }

  /** Takes over what an answer, an event or a page tells; it may be older than what is known. */
  take(todos: readonly Todo[]): void {
    const told = new Map(this.told.value);
    for (const todo of todos) told.set(todo.id, newer(todo, told.get(todo.id)));
    this.told.value = told;
  }

  /** Takes over a list that was loaded anew: what isn't in it is gone. */
  replaceBy(todos: readonly Todo[]): void {
    const told = this.told.value;
    this.told.value = new Map(todos.map((todo) => [todo.id, newer(todo, told.get(todo.id))]));
  }

  /** Takes out a todo that was purged. */
  drop(id: string): void {
    this.told.value = new Map([...this.told.value].filter(([other]) => other !== id));
  }

  /** Events tell of older todos, too, which show up once the list is loaded down to them. */
  #isWithin(todo: Todo): boolean {
    if (todo.deletedAt) return false;
    const { last, next } = this.loaded.value ?? { last: undefined, next: null };
    return next === null || last === undefined || newestFirst(todo, last) <= 0;
  }
}

function newer(todo: Todo, known: Todo | undefined): Todo {
  return known && known.version > todo.version ? known : todo;
}

/** The server's order, by createdAt and then by id; before them all, what it hasn't yet. */
function newestFirst(one: Todo, other: Todo): number {
  if (isDraft(one) !== isDraft(other)) return isDraft(one) ? -1 : 1;
  if (one.createdAt !== other.createdAt) return one.createdAt > other.createdAt ? -1 : 1;
  return one.id > other.id ? -1 : Number(one.id !== other.id);
}

function isDraft({ version }: Todo): boolean {
  return version === 0;
}
