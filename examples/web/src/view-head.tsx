// What is shown, by its name, and what can be done with it: lists change, searches are saved.
import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import { add } from './edits';
import { InlineForm } from './inline-form';
import type { List } from './list-operations';
import { createSection, createView, deleteList, deleteView, updateList } from './lists';
import { Dot } from './sidebar';
import { LinkedInvitation } from './invitations';
import { MembersPanel } from './members-panel';
import { has, ROLE_NAMES, whyNot } from './roles';
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
        {list && list.viewerRole !== 'OWNER' && (
          <span class="detail">
            shared by {list.owner.username}; you are {ROLE_NAMES[list.viewerRole].toLowerCase()}
          </span>
        )}
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
      {list && !has(list, 'EDITOR') && <p class="hint">{whyNot(list)}</p>}
      {listId !== undefined && (!list || has(list, 'EDITOR')) && (
        <AddForm todos={todos} listId={listId} />
      )}
      {shown.kind === 'invitation' && <LinkedInvitation todos={todos} token={shown.token} />}
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
    case 'invitation':
      return 'Invitation';
    case 'transfer':
      return 'Import and export';
  }
}

function ListSettings({ todos, list }: { todos: Todos; list: List }) {
  const isOpen = useSignal(false);
  const showsMembers = useSignal(false);
  const isManager = has(list, 'MANAGER');
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
        {isManager && (
          <button
            class="link"
            aria-expanded={isOpen.value}
            onClick={() => (isOpen.value = !isOpen.value)}
          >
            Edit list
          </button>
        )}
        <button
          class="link"
          aria-expanded={showsMembers.value}
          onClick={() => (showsMembers.value = !showsMembers.value)}
        >
          {list.isShared ? 'Members' : 'Share'}
        </button>
        {isManager && (
          <InlineForm
            label="Add section"
            onSubmit={(sectionName) => void createSection(todos, id, sectionName)}
          />
        )}
      </p>
      {showsMembers.value && <MembersPanel todos={todos} list={list} />}
      {isOpen.value && isManager && (
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
          {list.viewerRole === 'OWNER' && (
            <button type="button" onClick={() => void deleteList(todos, list)}>
              Delete list
            </button>
          )}
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
