// Writes or edits a comment, with members to choose from once an @ is typed.
import { useSignal } from '@preact/signals';
import type { TargetedKeyboardEvent, TargetedSubmitEvent } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Problems } from './field';
import { nameTyped } from './mentions';
import { peopleIn } from './members';
import type { Todo } from './operations';
import { messageOf } from './retrying';
import type { Todos } from './todos';

interface CommentFormProps {
  todos: Todos;
  todo: Todo;
  label: string;
  action: string;
  text?: string;
  /** Gives what is wrong with the text, nothing once it is saved. */
  onSubmit: (text: string) => Promise<string>;
  onCancel?: () => void;
}

export function CommentForm(props: CommentFormProps) {
  const { todos, todo, label, action, text = '', onSubmit, onCancel } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const problem = useSignal('');
  const isBusy = useSignal(false);
  const typed = useSignal<string | undefined>(undefined);
  const id = useId();
  const others = peopleIn(todos, todo.list?.id).filter(
    (person) => person.id !== todos.viewerId.value,
  );
  const start = typed.value?.toLowerCase();
  const matching =
    start === undefined
      ? []
      : others.filter(({ username }) => username.toLowerCase().startsWith(start));
  useLayoutEffect(() => {
    if (onCancel) field.current?.focus();
  }, []);

  function look() {
    const { value = '', selectionStart = 0 } = field.current ?? {};
    typed.value = nameTyped(value.slice(0, selectionStart ?? 0));
  }

  /** Puts a text in the place of what is typed of a name, and goes on behind it. */
  function insert(inserted: string, replaced: number) {
    const { current: area } = field;
    if (!area) return;
    area.focus();
    area.setRangeText(inserted, area.selectionStart - replaced, area.selectionStart, 'end');
    look();
  }

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const { current: area } = field;
    if (!area?.value.trim() || isBusy.value) return;
    isBusy.value = true;
    problem.value = await onSubmit(area.value).catch(messageOf);
    isBusy.value = false;
    // What was refused stays, to be mended or sent again.
    if (!problem.value) area.value = '';
    typed.value = undefined;
  }

  function press(event: TargetedKeyboardEvent<HTMLFormElement>) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.currentTarget.requestSubmit();
    } else if (event.key === 'Escape' && typed.value !== undefined) {
      typed.value = undefined;
      field.current?.focus();
    } else if (event.key === 'Escape') {
      onCancel?.();
    }
  }

  return (
    <form class="comment" onSubmit={submit} onKeyDown={press}>
      <textarea
        ref={field}
        aria-label={label}
        aria-describedby={`${id}-problem`}
        aria-invalid={problem.value !== ''}
        rows={2}
        required
        placeholder="Markdown; @ mentions a member"
        defaultValue={text}
        onInput={look}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' || matching.length === 0) return;
          event.preventDefault();
          event.currentTarget.form?.querySelector<HTMLElement>('.people button')?.focus();
        }}
      />
      <p role="status" class="hidden">
        {matching.length > 0 && `${matching.length} to mention: the down arrow leads there.`}
      </p>
      {matching.length > 0 && (
        <ul class="people" aria-label="Members to mention">
          {matching.map(({ id: personId, username }) => (
            <li key={personId}>
              <button
                type="button"
                onClick={() => insert(`@${username} `, (typed.value?.length ?? 0) + 1)}
              >
                @{username}
              </button>
            </li>
          ))}
        </ul>
      )}
      <Problems id={`${id}-problem`} problems={problem.value ? [{ message: problem.value }] : []} />
      <p class="buttons">
        <button class="main" aria-disabled={isBusy.value}>
          {action}
        </button>
        {others.length > 0 && (
          <button type="button" aria-label="Mention a member" onClick={() => insert('@', 0)}>
            @
          </button>
        )}
        {onCancel && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
      </p>
    </form>
  );
}
