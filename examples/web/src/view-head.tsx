// What is shown, by its name, and what can be done with it: lists change, searches are saved.
import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import { add } from './edits';
import { InlineForm } from './inline-form';
import type { List } from './list-operations';
import { createSection, createView, deleteList, deleteView, updateList } from './lists';
import { Dot } from './sidebar';
import { listNamed } from './shown';
import type { Todos } from './todos';
import { DAYS, listOf, queryOf, view } from './view';

const COLOR = '#5a6675';

export function ViewHead({ todos }: { todos: Todos }) {
  const { value: shown } = view;
  const list = shown.kind === 'list' ? listNamed(todos, shown.id) : undefined;
  const listId = listOf(shown);
  return (
    <>
      <div class="head">
        <h2>
          {list?.color && <Dot color={list.color} />}
          {titleOf(todos)}
          {list?.archivedAt && <span class="detail"> (archived)</span>}
        </h2>
        {shown.kind === 'search' && (
          <InlineForm
            label="Save as a view"
            onSubmit={(name) => void createView(todos, name, queryOf(shown, null).filter)}
          />
        )}
        {shown.kind === 'view' && (
          <button class="link" onClick={() => void deleteView(todos, shown.id, titleOf(todos))}>
            Delete view
          </button>
        )}
      </div>
      {list && <ListSettings key={list.id} todos={todos} list={list} />}
      {listId !== undefined && <AddForm todos={todos} listId={listId} />}
    </>
  );
}

function titleOf(todos: Todos): string {
  const { value: shown } = view;
  switch (shown.kind) {
    case 'inbox':
      return 'Inbox';
    case 'list':
      return listNamed(todos, shown.id)?.name ?? '';
    case 'days':
      return DAYS[shown.group].title;
    case 'view':
      return todos.overview.value?.savedViews.find(({ id }) => id === shown.id)?.name ?? '';
    case 'search':
      return `Search: ${shown.text}`;
    case 'todo':
      return 'Todo';
  }
}

function ListSettings({ todos, list }: { todos: Todos; list: List }) {
  const isOpen = useSignal(false);
  const { id, name, color, archivedAt } = list;

  function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    const input = { name: String(typed.get('name')), color: String(typed.get('color')) };
    isOpen.value = false;
    void updateList(todos, list, input);
  }

  return (
    <div class="settings">
      <p>
        <button
          class="link"
          aria-expanded={isOpen.value}
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          Edit list
        </button>
        <InlineForm
          label="Add section"
          onSubmit={(sectionName) => void createSection(todos, id, sectionName)}
        />
      </p>
      {isOpen.value && (
        <form onSubmit={submit}>
          <label>
            Name
            <input name="name" defaultValue={name} required autocomplete="off" />
          </label>
          <label>
            Color
            <input name="color" type="color" defaultValue={color ?? COLOR} />
          </label>
          <button class="main">Save</button>
          <button
            type="button"
            onClick={() => void updateList(todos, list, { isArchived: !archivedAt })}
          >
            {archivedAt ? 'Take out of the archive' : 'Archive'}
          </button>
          <button type="button" onClick={() => void deleteList(todos, list)}>
            Delete list
          </button>
        </form>
      )}
    </div>
  );
}

function AddForm({ todos, listId }: { todos: Todos; listId: string | null }) {
  function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const title = String(new FormData(form).get('title')).trim();
    if (title) todos.edit(add(title, { listId, place: { first: true } }));
    form.reset();
  }

  // The server says what is too long: maxlength would cut off what is pasted without a word.
  return (
    <form class="add" onSubmit={submit}>
      <label for="title">New todo</label>
      <input id="title" name="title" required autocomplete="off" />
      <button class="main">Add</button>
    </form>
  );
}
