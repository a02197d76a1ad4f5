// Chooses who is to do a todo of a shared list.
import { useEffect } from 'preact/hooks';
import { assign } from './assigning';
import { assignees, loadMembers } from './members';
import type { Todo } from './operations';
import type { Todos } from './todos';

export function AssignSelect({ todos, todo, listId }: { todos: Todos; todo: Todo; listId: string }) {
  const people = assignees(todos, listId);
  const { assignee } = todo;
  useEffect(() => {
    if (!todos.memberships.value.has(listId)) void loadMembers(todos, listId);
  }, [todos, listId]);
  const isKnown = !assignee || people.some(({ id }) => id === assignee.id);

  function choose(id: string) {
    const chosen = people.find((person) => person.id === id) ?? null;
    if (chosen?.id !== assignee?.id) todos.edit(assign(todo, chosen));
  }

  return (
    <label>
      Assignee
      <select
        aria-label={`Who is to do ${todo.title}`}
        value={assignee?.id ?? ''}
        onChange={({ currentTarget }) => choose(currentTarget.value)}
      >
        <option value="">nobody</option>
        {!isKnown && <option value={assignee.id}>{assignee.username}</option>}
        {people.map(({ id, username }) => (
          <option key={id} value={id}>
            {username}
          </option>
        ))}
      </select>
    </label>
  );
}
