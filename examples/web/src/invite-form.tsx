// Invites somebody to a list by their user name or address.
import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import type { ListRole } from './__generated__/graphql';
import { Labelled, Problems } from './field';
import type { List } from './list-operations';
import { GIVEN_ROLES, ROLE_WORDS } from './roles';
import { invite } from './sharing';
import type { Todos } from './todos';

export function InviteForm({ todos, list }: { todos: Todos; list: List }) {
  const problem = useSignal('');
  const invited = useSignal('');
  const isBusy = useSignal(false);

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isBusy.value) return;
    const form = event.currentTarget;
    const typed = new FormData(form);
    const whom = String(typed.get('whom')).trim();
    isBusy.value = true;
    problem.value = await invite(todos, list, whom, String(typed.get('role')) as ListRole);
    isBusy.value = false;
    invited.value = problem.value ? '' : whom;
    const field = form.querySelector('input');
    if (!problem.value && field) field.value = '';
    field?.focus();
  }

  return (
    <form class="fields" aria-label="Invite somebody" onSubmit={submit}>
      <Labelled label="User name or e-mail address">
        <input
          name="whom"
          required
          autocomplete="off"
          autocapitalize="none"
          aria-describedby="invite-problem"
          aria-invalid={problem.value !== ''}
        />
      </Labelled>
      <Labelled label="Role">
        <select name="role" defaultValue="EDITOR">
          {GIVEN_ROLES.map((role) => (
            <option key={role} value={role} selected={role === 'EDITOR'}>
              {ROLE_WORDS[role]}
            </option>
          ))}
        </select>
      </Labelled>
      <button class="main" aria-disabled={isBusy.value}>
        Invite
      </button>
      <Problems id="invite-problem" problems={problem.value ? [{ message: problem.value }] : []} />
      {/* Whether there is such an account is nobody's business. */}
      <p role="status" class="detail">
        {invited.value && `If ${invited.value} has an account or reads mail, the invitation is there.`}
      </p>
    </form>
  );
}
