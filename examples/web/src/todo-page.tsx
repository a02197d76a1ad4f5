// The page of who is signed in: where to go, what is shown, and the state.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Bell } from './bell';
import { useDrops } from './dragging';
import { follow, keepFresh, showViews } from './following';
import { keepTime } from './clock';
import { Announcer, count, Refusals, Snackbar, State } from './messages';
import { unsubscribe } from './push';
import { PushSwitch } from './push-switch';
import { sendEdits } from './sending';
import { signOut } from './server';
import { Sidebar } from './sidebar';
import { TodoList } from './todo-list';
import type { Todos } from './todos';
import { TransferPanel } from './transfer-panel';
import { view } from './view';
import { ViewHead } from './view-head';

export function TodoPage({ username, todos }: { username: string; todos: Todos }) {
  const isOpen = useSignal(false);
  useDrops(todos);
  useEffect(() => {
    const leaving = new AbortController();
    void follow(todos, leaving.signal);
    void sendEdits(todos, leaving.signal);
    void keepFresh(todos, leaving.signal);
    const { signal } = leaving;
    // Lists that another tab made are no changes of todos.
    addEventListener('focus', () => todos.refresh(), { signal });
    showViews(todos, signal);
    keepTime(todos, signal);
    return () => leaving.abort();
  }, [todos]);
  useEffect(() => {
    isOpen.value = false;
  }, [view.value]);

  function leave() {
    const unsaved = todos.unsaved.value.size;
    if (unsaved === 0 || confirm(`Not saved yet: ${count(unsaved)}. Sign out and lose that?`)) {
      todos.edits.value = [];
      // The next person who uses this browser must not see this one's reminders.
      void unsubscribe()
        .catch(() => undefined)
        .then(signOut);
    }
  }

  return (
    <>
      <header>
        <h1>Todos</h1>
        <button
          class="menu"
          aria-expanded={isOpen.value}
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          Lists
        </button>
        <Bell todos={todos} />
        <p>
          {username} <PushSwitch todos={todos} />{' '}
          <button class="link" onClick={leave}>
            Sign out
          </button>
        </p>
      </header>
      <div class="columns">
        <aside class={isOpen.value ? 'open' : ''}>
          <Sidebar todos={todos} />
        </aside>
        <main id="content" tabIndex={-1}>
          <ViewHead todos={todos} />
          <Refusals todos={todos} />
          {view.value.kind === 'transfer' ? (
            <TransferPanel todos={todos} />
          ) : (
            <TodoList todos={todos} />
          )}
        </main>
      </div>
      <Announcer todos={todos} />
      <div class="bottom">
        <Snackbar todos={todos} />
        <State todos={todos} />
      </div>
    </>
  );
}
