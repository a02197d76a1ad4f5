// The todos of what is shown, under their sections, and what can be done with many of them.
import { useSignal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { useDropTarget } from './dragging';
import { add, completeAll } from './edits';
import { restoreFocus } from './focus';
import { InlineForm } from './inline-form';
import type { Section } from './list-operations';
import { deleteSection, renameSection } from './lists';
import { loadMore } from './loading';
import { RenameForm } from './renaming';
import { completeOccurrence } from './repeating';
import { messageOf } from './retrying';
import { has, mayWrite, mayWriteIn } from './roles';
import { isLoaded, listNamed, shownOf } from './shown';
import { TodoRow } from './todo-row';
import type { Todos } from './todos';
import { listOf, view } from './view';

const MOST_AT_ONCE = 100;

export function TodoList({ todos }: { todos: Todos }) {
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const shown = shownOf(todos, view.value);
  const { groups, rows } = shown;
  const writable = rows.filter((todo) => mayWrite(todos, todo));
  const chosen = writable.filter(({ id }) => selected.value.has(id));
  useLayoutEffect(restoreFocus);

  if (rows.length === 0 && groups.length === 1) {
    if (!isLoaded(todos, view.value)) return <p class="empty">Loading your todos…</p>;
    const isWritable = mayWriteIn(todos, listOf(view.value));
    return <p class="empty">{isWritable ? EMPTY[view.value.kind] : 'This list is empty.'}</p>;
  }

  function select(id: string, isSelected: boolean) {
    const others = [...selected.value].filter((other) => other !== id);
    selected.value = new Set(isSelected ? [...others, id] : others);
  }

  function complete() {
    const open = chosen.filter(({ status }) => status !== 'COMPLETED');
    // Sent twice, a bulk action would complete two occurrences.
    const repeating = open.filter(({ recurrence }) => recurrence);
    for (const todo of repeating) todos.edit(completeOccurrence(todo, todos.zone.value));
    const ids = open.filter(({ recurrence }) => !recurrence).map(({ id }) => id);
    for (let start = 0; start < ids.length; start += MOST_AT_ONCE) {
      todos.edit(completeAll(ids.slice(start, start + MOST_AT_ONCE)));
    }
    selected.value = new Set();
  }

  const number = chosen.length;
  const isOrdered = listOf(view.value) !== undefined;
  return (
    <section class="card" aria-label="Your todos">
      {writable.length > 0 && (
      <div class="many">
        <label>
          <input
            type="checkbox"
            checked={number > 0 && number === writable.length}
            indeterminate={number > 0 && number < writable.length}
            onChange={({ currentTarget: { checked } }) => {
              selected.value = new Set(checked ? writable.map(({ id }) => id) : []);
            }}
          />
          Select all
        </label>
        <button aria-disabled={number === 0} onClick={complete}>
          Complete {number} selected
        </button>
      </div>
      )}
      {groups.map((group) => (
        <div key={group.section?.id ?? ''}>
          {group.section && <SectionHead todos={todos} section={group.section} />}
          <ul class="todos" aria-label={group.section?.name ?? 'Todos'}>
            {group.todos.map((todo) => (
              <TodoRow
                key={todo.id}
                {...{ todos, shown, todo, isOrdered }}
                selected={selected.value}
                onSelect={select}
              />
            ))}
          </ul>
        </div>
      ))}
      {todos.loaded.value?.next && isLoaded(todos, view.value) && <MoreButton todos={todos} />}
    </section>
  );
}

const EMPTY = {
  inbox: 'Nothing to do. Add your first todo above.',
  list: 'This list is empty. Add its first todo above.',
  days: 'Nothing is due.',
  view: 'Nothing matches this view.',
  search: 'Nothing was found.',
  todo: 'There is no such todo any more.',
  invitation: '',
  transfer: '',
};

/** A section's name, on which todos can be dropped. */
function SectionHead({ todos, section }: { todos: Todos; section: Section }) {
  const isRenamed = useSignal(false);
  const listId = listOf(view.value) ?? null;
  const to = { listId, sectionId: section.id, parentId: null, place: { first: true } };
  const { ref, hint } = useDropTarget<HTMLDivElement>(to, mayWriteIn(todos, listId));
  const { name } = section;
  const list = listId ? listNamed(todos, listId) : undefined;
  const isManager = !list || has(list, 'MANAGER');

  function close(newName: string) {
    isRenamed.value = false;
    if (newName && newName !== name) void renameSection(todos, section, newName);
  }

  return (
    <div ref={ref} class={`section ${hint}`}>
      {isRenamed.value ? (
        <RenameForm title={name} onClose={close} />
      ) : (
        <>
          <h3>{name}</h3>
          <span class="actions">
            {mayWriteIn(todos, listId) && (
              <InlineForm
                label={`Add to ${name}`}
                short="Add"
                onSubmit={(text) => todos.edit(add(text, to))}
              />
            )}
            {isManager && (
              <>
                <button
                  class="link"
                  aria-label={`Rename section ${name}`}
                  onClick={() => (isRenamed.value = true)}
                >
                  Rename
                </button>
                <button
                  class="link"
                  aria-label={`Delete section ${name}`}
                  onClick={() => void deleteSection(todos, section)}
                >
                  Delete
                </button>
              </>
            )}
          </span>
        </>
      )}
    </div>
  );
}

function MoreButton({ todos }: { todos: Todos }) {
  const isBusy = useSignal(false);
  const failure = useSignal('');

  async function more() {
    if (isBusy.value) return;
    isBusy.value = true;
    failure.value = await loadMore(todos).then(() => '', messageOf);
    isBusy.value = false;
  }

  return (
    <p class="more">
      <button aria-disabled={isBusy.value} onClick={more}>
        Show more todos
      </button>
      <span role="alert" class="problem">
        {failure}
      </span>
    </p>
  );
}
