// The todos: what the server told of them, and one's own edits on top until the server has them.
import { computed, signal } from '@preact/signals';
import type { Comments } from './comments';
import type { Conflict, Edit } from './edits';
import type { List, OverviewData, Section } from './list-operations';
import type { Membership } from './members';
import type { Todo } from './operations';
import type { Invitation } from './sharing-operations';
import { browserZone } from './times';
import type { View } from './view';

/** What was loaded of a view. */
export interface Loaded {
  readonly view: View;
  /** The ids in the order of the server. */
  readonly ids: readonly string[];
  /** The position down to which a list is loaded. */
  readonly last: string;
  /** Where to go on, null at the end. */
  readonly next: string | null;
}

/** Lists, archived ones too, views and counts, and the sections of one list. */
export interface Overview extends Pick<OverviewData, 'savedViews' | 'inbox' | 'facets'> {
  readonly lists: readonly List[];
  readonly listId: string;
  readonly sections: readonly Section[];
  /** Those for the viewer. */
  readonly invitations: readonly Invitation[];
}

/** What was done last, and how it is undone. */
export interface Undoable {
  readonly message: string;
  readonly undo: () => void;
}

export type TodoMap = ReadonlyMap<string, Todo>;

export class Todos {
  /** What the server told, by id; also of deleted todos, so that no late answer revives one. */
  readonly told = signal<TodoMap>(new Map());
  /** One's own edits that the server hasn't acknowledged, oldest first. */
  readonly edits = signal<readonly Edit[]>([]);
  /** Null until the first page is there. */
  readonly loaded = signal<Loaded | null>(null);
  /** Lists, views and counts; null until they are there. */
  readonly overview = signal<Overview | null>(null);
  /** Who is in lists, by the id of the list; only where something shows it. */
  readonly memberships = signal<ReadonlyMap<string, Membership>>(new Map());
  /** Comments by the id of their todo; only where something shows them. */
  readonly comments = signal<ReadonlyMap<string, Comments>>(new Map());
  /** The id of the viewer's account; empty until it is loaded. */
  readonly viewerId = signal('');
  /** The todos whose subtasks are shown. */
  readonly expanded = signal<ReadonlySet<string>>(new Set());
  /** The todo whose panel is open. */
  readonly opened = signal<string | null>(null);
  /** What was edited here since the view was loaded, and is shown wherever it stands. */
  readonly edited = signal<ReadonlySet<string>>(new Set());
  /** Parents whose progress may have changed since the overview was loaded; null if nothing has. */
  readonly stale = signal<ReadonlySet<string> | null>(null);
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
  readonly undoable = signal<Undoable | null>(null);
  /** Where the viewer's days begin and end. */
  readonly zone = signal(browserZone);
  /** What a screen reader is to say of a move. */
  readonly announcement = signal('');

  /** All todos as they look once all edits are done. */
  readonly all = computed<TodoMap>(() => {
    const todos = new Map(this.told.value);
    for (const { ids, change } of this.edits.value) {
      for (const id of ids) {
        const changed = change(todos.get(id), todos);
        if (changed) todos.set(id, changed);
      }
    }
    return todos;
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
    this.edited.value = new Set([...this.edited.value, ...edit.ids]);
    this.edits.value = [...this.edits.value, edit];
  }

  /** Takes over what an answer, an event or a page tells; it may be older than what is known. */
  take(todos: readonly Todo[]): void {
    const told = new Map(this.told.value);
    for (const todo of todos) told.set(todo.id, newer(todo, told.get(todo.id)));
    this.told.value = told;
  }

  /** Takes over what was loaded anew: what isn't in it is gone. */
  replaceBy(todos: readonly Todo[]): void {
    const told = this.told.value;
    this.told.value = new Map(todos.map((todo) => [todo.id, newer(todo, told.get(todo.id))]));
  }

  /** Takes out a todo that was purged. */
  drop(id: string): void {
    this.told.value = new Map([...this.told.value].filter(([other]) => other !== id));
  }

  /** Has lists and counts loaded again, and the progress of these parents. */
  refresh(...parents: string[]): void {
    this.stale.value = new Set([...(this.stale.value ?? []), ...parents]);
  }

  expand(id: string, isExpanded = true): void {
    const others = [...this.expanded.value].filter((other) => other !== id);
    this.expanded.value = new Set(isExpanded ? [...others, id] : others);
  }
}

function newer(todo: Todo, known: Todo | undefined): Todo {
  return known && known.version > todo.version ? known : todo;
}
