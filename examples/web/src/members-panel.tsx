// Who is in a list and what they may do; invites, changes roles, removes, leaves, hands over.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { InviteForm } from './invite-form';
import type { List } from './list-operations';
import { loadMembers } from './members';
import { RemovalForm, TransferForm } from './member-forms';
import { GIVEN_ROLES, has, ROLE_NAMES, ROLE_WORDS } from './roles';
import { changeRole, leaveList, revoke } from './sharing';
import type { Invitation, Member } from './sharing-operations';
import type { Todos } from './todos';

interface PanelProps {
  todos: Todos;
  list: List;
}

export function MembersPanel({ todos, list }: PanelProps) {
  const isTransferring = useSignal(false);
  const { id, name, viewerRole } = list;
  useEffect(() => void loadMembers(todos, id), [todos, id]);
  const membership = todos.memberships.value.get(id);
  if (!membership) return <p>Loading who is in the list…</p>;
  const { members, invitations } = membership;
  const isManager = has(list, 'MANAGER');
  const isOwner = viewerRole === 'OWNER';

  return (
    <section class="members" aria-label={`Members of ${name}`}>
      <ul aria-label="Members">
        {members.map((member) => (
          <MemberLine key={member.id} {...{ todos, list, member, members }} />
        ))}
      </ul>
      {!isManager && <p class="hint">Who manages the list chooses its members and their roles.</p>}
      {invitations.length > 0 && (
        <>
          <h3>Invited</h3>
          <ul aria-label="Invited">
            {invitations.map((invitation) => (
              <InvitedLine key={invitation.id} {...{ todos, list, invitation }} />
            ))}
          </ul>
        </>
      )}
      {isManager && <InviteForm todos={todos} list={list} />}
      {isOwner && members.length > 1 && (
        <button
          class="link"
          aria-expanded={isTransferring.value}
          onClick={() => (isTransferring.value = !isTransferring.value)}
        >
          Hand the list over
        </button>
      )}
      {isOwner && isTransferring.value && (
        <TransferForm
          {...{ todos, list }}
          members={members.filter(({ role }) => role !== 'OWNER')}
          onClose={() => (isTransferring.value = false)}
        />
      )}
    </section>
  );
}

interface MemberLineProps extends PanelProps {
  member: Member;
  members: readonly Member[];
}

function MemberLine({ todos, list, member, members }: MemberLineProps) {
  const isRemoving = useSignal(false);
  const { role, user } = member;
  const { username } = user;
  const isViewer = user.id === todos.viewerId.value;
  const isChangeable = has(list, 'MANAGER') && role !== 'OWNER';
  return (
    <li>
      <div class="fields">
        <span class="name">
          {username}
          {isViewer && ' (you)'}
        </span>
        {isChangeable ? (
          <select
            aria-label={`Role of ${username}`}
            value={role}
            onChange={({ currentTarget }) =>
              void changeRole(todos, list, member, currentTarget.value as typeof role)
            }
          >
            {GIVEN_ROLES.map((given) => (
              <option key={given} value={given} title={ROLE_WORDS[given]}>
                {ROLE_NAMES[given]}
              </option>
            ))}
          </select>
        ) : (
          <span class="detail">{ROLE_NAMES[role]}</span>
        )}
        {isViewer && role !== 'OWNER' && (
          <button
            onClick={() => {
              const question = `Leave “${list.name}”? You come back only if you are invited again.`;
              if (confirm(question)) void leaveList(todos, list);
            }}
          >
            Leave
          </button>
        )}
        {isChangeable && !isViewer && (
          <button
            aria-label={`Remove ${username}`}
            aria-expanded={isRemoving.value}
            onClick={() => (isRemoving.value = !isRemoving.value)}
          >
            Remove
          </button>
        )}
      </div>
      {isRemoving.value && (
        <RemovalForm
          {...{ todos, list, member, members }}
          onClose={() => (isRemoving.value = false)}
        />
      )}
    </li>
  );
}

function InvitedLine({ todos, list, invitation }: PanelProps & { invitation: Invitation }) {
  const { sentTo, role, expiresAt } = invitation;
  return (
    <li class="fields">
      <span class="name">{sentTo}</span>
      <span class="detail">
        {ROLE_NAMES[role]}, until{' '}
        <time dateTime={expiresAt}>{new Date(expiresAt).toLocaleDateString()}</time>
      </span>
      <button
        aria-label={`Take back the invitation of ${sentTo}`}
        onClick={({ currentTarget }) => {
          currentTarget.closest('section')?.querySelector('input')?.focus();
          void revoke(todos, list, invitation);
        }}
      >
        Take back
      </button>
    </li>
  );
}
