// The bell: how many notifications are unread, and the newest of them.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type Entry, followInbox, inbox, loadInbox, readAll } from './inbox';
import { messageOf } from './retrying';
import type { Todos } from './todos';
import { addressOf } from './view';

const WORDS: Record<Entry['kind'], string> = {
  ASSIGNED: 'Assigned to you',
  COMMENTED: 'New comments',
  COMPLETED: 'Completed',
  INVITED: 'Invitation',
  JOB: 'Done',
  MEMBERSHIP: 'Members have changed',
  MENTIONED: 'You are mentioned',
  REMINDER: 'Reminder',
  SECURITY: 'Security',
};

export function Bell({ todos }: { todos: Todos }) {
  const isOpen = useSignal(false);
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    // Lists and invitations of others are told here alone until they are joined.
    void followInbox(signal, () => todos.refresh());
    // What another tab has read is told to none.
    addEventListener('focus', () => void loadInbox().catch(() => undefined), { signal });
    return () => {
      leaving.abort();
      inbox.value = undefined;
    };
  }, []);
  const { value: shown } = inbox;
  if (!shown) return null;
  const { unreadCount, nodes } = shown;

  function follow(todoId: string) {
    isOpen.value = false;
    // With its comments in sight.
    todos.opened.value = todoId;
  }

  return (
    <div class="bell">
      <button
        class="link"
        aria-expanded={isOpen.value}
        onClick={() => (isOpen.value = !isOpen.value)}
      >
        Notifications{unreadCount > 0 && ` (${unreadCount})`}
      </button>
      {isOpen.value && (
        <section aria-label="Notifications">
          {nodes.length === 0 && <p>Nothing yet.</p>}
          <ul>
            {nodes.map((entry) => (
              <Line key={entry.id} entry={entry} onFollow={follow} />
            ))}
          </ul>
          {unreadCount > 0 && (
            <button
              class="link"
              onClick={() =>
                void readAll().catch((error: unknown) => todos.refuse(messageOf(error)))
              }
            >
              Mark all as read
            </button>
          )}
        </section>
      )}
    </div>
  );
}

/** The todo that an entry is about, or whose comment it is. */
function todoOf({ subject }: Entry): string | undefined {
  if (subject?.__typename === 'Todo') return subject.id;
  return subject?.__typename === 'Comment' ? subject.todo.id : undefined;
}

function Line({ entry, onFollow }: { entry: Entry; onFollow: (todoId: string) => void }) {
  const { kind, excerpt, count, createdAt, readAt } = entry;
  const todoId = todoOf(entry);
  return (
    <li class={readAt ? 'read' : undefined}>
      <strong>{WORDS[kind]}</strong>
      {excerpt && ': '}
      {excerpt && todoId ? (
        <a href={addressOf({ kind: 'todo', id: todoId })} onClick={() => onFollow(todoId)}>
          {excerpt}
        </a>
      ) : (
        excerpt
      )}
      {count > 1 && ` (${count} times)`}{' '}
      <time dateTime={createdAt}>{new Date(createdAt).toLocaleString()}</time>
    </li>
  );
}
