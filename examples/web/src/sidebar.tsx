// Where to go: a search, the inbox, groups of days, saved views and lists, with how much is open.
import type { TargetedSubmitEvent } from 'preact';
import { useDropTarget } from './dragging';
import { InlineForm } from './inline-form';
import { Invitations } from './invitations';
import type { List } from './list-operations';
import { createList, updateList } from './lists';
import { has } from './roles';
import type { Todos } from './todos';
import { addressOf, DAYS, isSame, type View, view } from './view';

export function Sidebar({ todos }: { todos: Todos }) {
  const { lists = [], savedViews = [], inbox, facets } = todos.overview.value ?? {};
  const active = lists.filter(({ archivedAt }) => !archivedAt);
  const archived = lists.filter(({ archivedAt }) => archivedAt);
  const dueIn = (groups: readonly string[]) =>
    (facets?.due ?? [])
      .filter(({ group }) => groups.includes(group))
      .reduce((sum, { count }) => sum + count, 0);
  return (
    <>
      <SearchForm />
      <Invitations todos={todos} />
      <nav aria-label="Lists and views">
        <ul class="links">
          <ListLink title="Inbox" shown={{ kind: 'inbox' }} listId={null} count={openOf(inbox)} />
          {Object.entries(DAYS).map(([group, { title, groups }]) => (
            <Link
              key={group}
              title={title}
              shown={{ kind: 'days', group: group as keyof typeof DAYS }}
              count={dueIn(groups)}
            />
          ))}
        </ul>
        {savedViews.length > 0 && <h2>Views</h2>}
        <ul class="links">
          {savedViews.map(({ id, name }) => (
            <Link key={id} title={name} shown={{ kind: 'view', id }} />
          ))}
        </ul>
        <h2>Lists</h2>
        <ul class="links">
          {active.map((list) => (
            <ListLink
              key={list.id}
              title={list.name}
              color={list.color}
              shown={{ kind: 'list', id: list.id }}
              listId={list.id}
              count={openOf(list.stats)}
              mark={markOf(list)}
              isWritable={has(list, 'EDITOR')}
            />
          ))}
        </ul>
        <InlineForm label="New list" onSubmit={(name) => void createList(todos, name)} />
        {archived.length > 0 && <Archived todos={todos} lists={archived} />}
        <ul class="links">
          <Link title="Import and export" shown={{ kind: 'transfer' }} />
        </ul>
      </nav>
    </>
  );
}

/** Whose a list of somebody else is, and whether others are in one's own. */
function markOf({ viewerRole, isShared, owner }: List): string {
  if (viewerRole !== 'OWNER') return `from ${owner.username}`;
  return isShared ? 'shared' : '';
}

/** How many todos aren't done. */
function openOf(stats?: List['stats']): number {
  return stats ? stats.pending + stats.inProgress : 0;
}

function SearchForm() {
  function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get('search')).trim();
    location.hash = addressOf(text ? { kind: 'search', text } : { kind: 'inbox' });
  }

  const { value: shown } = view;
  const text = shown.kind === 'search' ? shown.text : '';
  return (
    <form class="search" role="search" onSubmit={submit}>
      <label for="search" class="hidden">
        Search todos
      </label>
      <input
        id="search"
        key={text}
        name="search"
        type="search"
        placeholder="Search"
        defaultValue={text}
      />
    </form>
  );
}

interface LinkProps {
  title: string;
  shown: View;
  count?: number;
  color?: string | null;
  mark?: string;
  target?: ReturnType<typeof useDropTarget<HTMLLIElement>>;
}

function Link({ title, shown, count = 0, color, mark, target }: LinkProps) {
  return (
    <li {...(target && { ref: target.ref })} class={target?.hint}>
      <a href={addressOf(shown)} aria-current={isSame(shown, view.value) ? 'page' : undefined}>
        {color && <Dot color={color} />}
        <span class="name">
          <span>{title}</span>
          {mark && <span class="mark"> {mark}</span>}
        </span>
        {count > 0 && (
          <span class="count">
            {count}
            <span class="hidden"> open</span>
          </span>
        )}
      </a>
    </li>
  );
}

interface ListLinkProps extends LinkProps {
  listId: string | null;
  isWritable?: boolean;
}

/** A link to a list, on which todos can be dropped. */
function ListLink({ listId, isWritable = true, ...link }: ListLinkProps) {
  const to = { listId, sectionId: null, parentId: null, place: { first: true } };
  return <Link {...link} target={useDropTarget<HTMLLIElement>(to, isWritable)} />;
}

/** A list's colour. As an attribute of a picture, it needs no inline style. */
export function Dot({ color }: { color: string }) {
  return (
    <svg class="dot" viewBox="0 0 10 10" aria-hidden="true">
      <circle cx="5" cy="5" r="5" fill={color} />
    </svg>
  );
}

function Archived({ todos, lists }: { todos: Todos; lists: readonly List[] }) {
  return (
    <details>
      <summary>Archived lists ({lists.length})</summary>
      <ul class="links">
        {lists.map((list) => (
          <li key={list.id} class="archived">
            <a href={addressOf({ kind: 'list', id: list.id })}>{list.name}</a>
            <button
              class="link"
              aria-label={`Take ${list.name} out of the archive`}
              onClick={() => void updateList(todos, list, { isArchived: false })}
            >
              Restore
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
