// Asks what is to become of a member's todos before they are removed, and who is to own a list.
import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Labelled, Problems } from './field';
import type { List } from './list-operations';
import { canBeAssigned } from './roles';
import { removeMember, transferList } from './sharing';
import type { Member } from './sharing-operations';
import type { Todos } from './todos';

interface FormProps {
  todos: Todos;
  list: List;
  members: readonly Member[];
  onClose: () => void;
}

/** The first field has the focus when a form opens. */
function useFocus() {
  const field = useRef<HTMLSelectElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  return field;
}

export function RemovalForm({ todos, list, member, members, onClose }: FormProps & { member: Member }) {
  const first = useFocus();
  const { username } = member.user;
  const others = members.filter(({ id, role }) => id !== member.id && canBeAssigned(role));

  function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const heir = String(new FormData(event.currentTarget).get('heir'));
    // The line goes, and the focus with it.
    event.currentTarget.closest('section')?.querySelector('input')?.focus();
    onClose();
    void removeMember(todos, list, member, heir || null);
  }

  return (
    <form class="fields" aria-label={`Remove ${username}`} onSubmit={submit}>
      <Labelled label={`What is assigned to ${username} goes to`}>
        <select ref={first} name="heir">
          <option value="">nobody</option>
          {others.map(({ user }) => (
            <option key={user.id} value={user.id}>
              {user.username}
            </option>
          ))}
        </select>
      </Labelled>
      <button class="main">Remove {username}</button>
      <button type="button" onClick={onClose}>
        Cancel
      </button>
    </form>
  );
}

export function TransferForm({ todos, list, members, onClose }: FormProps) {
  const first = useFocus();
  const problem = useSignal('');
  const isBusy = useSignal(false);

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isBusy.value) return;
    const typed = new FormData(event.currentTarget);
    isBusy.value = true;
    const [toId, password] = [String(typed.get('to')), String(typed.get('password'))];
    problem.value = await transferList(todos, list, toId, password);
    isBusy.value = false;
    if (!problem.value) onClose();
  }

  return (
    <form class="fields" aria-label="Hand the list over" onSubmit={submit}>
      <Labelled label="New owner">
        <select ref={first} name="to" required>
          {members.map(({ user }) => (
            <option key={user.id} value={user.id}>
              {user.username}
            </option>
          ))}
        </select>
      </Labelled>
      <Labelled label="Your password">
        <input
          name="password"
          type="password"
          required
          autocomplete="current-password"
          aria-describedby="transfer-problem"
          aria-invalid={problem.value !== ''}
        />
      </Labelled>
      <button class="main" aria-disabled={isBusy.value}>
        Hand over
      </button>
      <button type="button" onClick={onClose}>
        Cancel
      </button>
      <Problems
        id="transfer-problem"
        problems={problem.value ? [{ message: problem.value }] : []}
      />
    </form>
  );
}
