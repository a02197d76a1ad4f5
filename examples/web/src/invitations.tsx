// Invitations to lists of others: those in the sidebar, and the one whose mail led here.
import { useSignal } from '@preact/signals';
import { ROLE_NAMES } from './roles';
import { accept, decline, type InvitationKey } from './sharing';
import type { Invitation } from './sharing-operations';
import type { Todos } from './todos';
import { addressOf } from './view';

export function Invitations({ todos }: { todos: Todos }) {
  const invitations = todos.overview.value?.invitations ?? [];
  return (
    <div role="status">
      {invitations.length > 0 && (
        <section aria-label="Invitations" class="invitations">
          <h2>Invitations</h2>
          <ul>
            {invitations.map((invitation) => (
              <Line key={invitation.id} todos={todos} invitation={invitation} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Line({ todos, invitation }: { todos: Todos; invitation: Invitation }) {
  const { id, listName, role, invitedBy } = invitation;
  return (
    <li>
      <p>
        {invitedBy.username} invites you to <strong>{listName}</strong> as{' '}
        {ROLE_NAMES[role].toLowerCase()}.
      </p>
      <Answer todos={todos} name={{ id }} what={listName} />
    </li>
  );
}

/** Of the mail's link the page knows the token alone: the server says whose it is when it is answered. */
export function LinkedInvitation({ todos, token }: { todos: Todos; token: string }) {
  return (
    <section class="card linked" aria-label="Invitation">
      <p>The link in your mail invites you to a list. Do you want to join it?</p>
      <Answer
        todos={todos}
        name={{ token }}
        what="the list"
        onDecline={() => (location.hash = addressOf({ kind: 'inbox' }))}
      />
    </section>
  );
}

interface AnswerProps {
  todos: Todos;
  name: InvitationKey;
  what: string;
  onDecline?: () => void;
}

function Answer({ todos, name, what, onDecline }: AnswerProps) {
  const isBusy = useSignal(false);

  async function answer(send: () => Promise<boolean>, then?: () => void) {
    if (isBusy.value) return;
    isBusy.value = true;
    const isDone = await send();
    isBusy.value = false;
    if (!isDone) return;
    // What had the focus is gone with the invitation.
    document.getElementById('content')?.focus();
    then?.();
  }

  return (
    <p class="buttons">
      <button
        class="main"
        aria-label={`Accept ${what}`}
        aria-disabled={isBusy.value}
        onClick={() => void answer(() => accept(todos, name))}
      >
        Accept
      </button>
      <button
        aria-label={`Decline ${what}`}
        aria-disabled={isBusy.value}
        onClick={() => void answer(() => decline(todos, name), onDecline)}
      >
        Decline
      </button>
    </p>
  );
}
