// The page of who is signed in: a form to add, what can be done with many, the list, and the state.
import { useComputed, useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import { useEffect } from 'preact/hooks';
import { add, completeAll } from './edits';
import { follow, loadMore } from './following';
import { messageOf } from './retrying';
import { sendEdits } from './sending';
import { isLive, signOut } from './server';
import { TodoRow } from './todo-row';
import type { Todos } from './todos';

const MOST_AT_ONCE = 100;

export function TodoPage({ username, todos }: { username: string; todos: Todos }) {
  useEffect(() => {
    const leaving = new AbortController();
    void follow(todos, leaving.signal);
    void sendEdits(todos, leaving.signal);
    return () => leaving.abort();
  }, [todos]);

  function leave() {
    const unsaved = todos.unsaved.value.size;
    if (unsaved === 0 || confirm(`Not saved yet: ${count(unsaved)}. Sign out and lose that?`)) {
      todos.edits.value = [];
      void signOut();
    }
  }

  return (
    <>
      <header>
        <h1>Todos</h1>
        <p>
          {username}{' '}
          <button class="link" onClick={leave}>
            Sign out
          </button>
        </p>
      </header>
      <main>
        <AddForm todos={todos} />
        <Refusals todos={todos} />
        <List todos={todos} />
      </main>
      <State todos={todos} />
    </>
  );
}

function AddForm({ todos }: { todos: Todos }) {
  function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const title = String(new FormData(form).get('title')).trim();
    if (title) todos.edit(add(title));
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

function Refusals({ todos }: { todos: Todos }) {
  return (
    <div role="alert">
      {todos.refusals.value.map((refusal) => (
        <p key={refusal} class="note">
          {refusal}{' '}
          <button class="link" onClick={() => todos.refuse(refusal, true)}>
            Dismiss
          </button>
        </p>
      ))}
    </div>
  );
}

function List({ todos }: { todos: Todos }) {
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const chosen = useComputed(() => todos.shown.value.filter(({ id }) => selected.value.has(id)));
  const shown = todos.shown.value;

  if (!todos.loaded.value && shown.length === 0) return <p class="empty">Loading your todos…</p>;
  if (shown.length === 0) return <p class="empty">Nothing to do. Add your first todo above.</p>;

  function select(id: string, isSelected: boolean) {
    const others = [...selected.value].filter((other) => other !== id);
    selected.value = new Set(isSelected ? [...others, id] : others);
  }

  function complete() {
    const ids = chosen.value.filter(({ status }) => status !== 'COMPLETED').map(({ id }) => id);
    for (let start = 0; start < ids.length; start += MOST_AT_ONCE) {
      todos.edit(completeAll(ids.slice(start, start + MOST_AT_ONCE)));
    }
    selected.value = new Set();
  }

  const number = chosen.value.length;
  return (
    <section aria-label="Your todos">
      <div class="many">
        <label>
          <input
            type="checkbox"
            checked={number === shown.length}
            indeterminate={number > 0 && number < shown.length}
            onChange={({ currentTarget: { checked } }) => {
              selected.value = new Set(checked ? shown.map(({ id }) => id) : []);
            }}
          />
          Select all
        </label>
        <button aria-disabled={number === 0} onClick={complete}>
          Complete {number} selected
        </button>
      </div>
      <ul>
        {shown.map((todo) => (
          <TodoRow
            key={todo.id}
            todos={todos}
            todo={todo}
            isSelected={selected.value.has(todo.id)}
            onSelect={(isSelected) => select(todo.id, isSelected)}
          />
        ))}
      </ul>
      {todos.loaded.value?.next && <MoreButton todos={todos} />}
    </section>
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
        Show older todos
      </button>
      <span role="alert" class="problem">
        {failure}
      </span>
    </p>
  );
}

/** What the page knows of the server, and what the server doesn't know yet of the page. */
function State({ todos }: { todos: Todos }) {
  const trouble = todos.sendingTrouble.value || (!isLive.value && todos.followingTrouble.value);
  const number = todos.unsaved.value.size;
  const unsaved = number > 0 ? `Not saved yet: ${count(number)}.` : '';
  const calm = isLive.value ? 'Live: what changes elsewhere shows up here.' : 'Connecting…';
  return (
    <footer class={trouble ? 'trouble' : ''}>
      <p role="status">{trouble ? `${trouble} This page keeps trying. ${unsaved}` : calm}</p>
    </footer>
  );
}

function count(todos: number): string {
  return todos === 1 ? 'one todo' : `${todos} todos`;
}
