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
    void followInbox(signal);
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
              <Line key={entry.id} entry={entry} onFollow={() => (isOpen.value = false)} />
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

function Line({ entry, onFollow }: { entry: Entry; onFollow: () => void }) {
  const { kind, excerpt, count, createdAt, readAt, subject } = entry;
  return (
    <li class={readAt ? 'read' : undefined}>
      <strong>{WORDS[kind]}</strong>
      {excerpt && ': '}
      {excerpt && subject?.__typename === 'Todo' ? (
        <a href={addressOf({ kind: 'todo', id: subject.id })} onClick={onFollow}>
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
