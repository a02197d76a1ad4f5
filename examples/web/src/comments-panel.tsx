// The comments on a todo, and a form for one more.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { CommentForm } from './comment-form';
import type { Comment } from './comment-operations';
import { deleteComment, editComment, loadComments, writeComment } from './comments';
import { htmlOf } from './markdown';
import { loadMembers } from './members';
import { withNames } from './mentions';
import type { Todo } from './operations';
import { messageOf } from './retrying';
import { has, mayWrite } from './roles';
import { listNamed } from './shown';
import type { Todos } from './todos';

interface CommentsProps {
  todos: Todos;
  todo: Todo;
}

export function CommentsPanel({ todos, todo }: CommentsProps) {
  const { id, title, list } = todo;
  const loaded = todos.comments.value.get(id);
  const newId = useSignal(crypto.randomUUID());

  function load(before?: string) {
    loadComments(todos, id, before).catch((error) => todos.refuse(messageOf(error)));
  }

  useEffect(() => {
    load();
    if (list && !todos.memberships.value.has(list.id)) void loadMembers(todos, list.id);
    return () => {
      todos.comments.value = new Map([...todos.comments.value].filter(([other]) => other !== id));
    };
  }, [todos, id]);

  async function write(text: string): Promise<string> {
    const problem = await writeComment(todos, todo, newId.value, text);
    if (!problem) newId.value = crypto.randomUUID();
    return problem;
  }

  return (
    <section class="comments" aria-label={`Comments on ${title}`}>
      <h3>Comments</h3>
      {!loaded && <p>Loading…</p>}
      {loaded?.older && (
        <button class="link" onClick={() => load(loaded.older ?? undefined)}>
          Show older comments
        </button>
      )}
      {/* Comments of others are read aloud as they come. */}
      <div role="log" aria-label={`Comments on ${title}`}>
        <ol>
          {loaded?.comments.map((comment) => (
            <Line key={comment.id} {...{ todos, todo, comment }} />
          ))}
        </ol>
      </div>
      {mayWrite(todos, todo) && (
        <CommentForm
          {...{ todos, todo }}
          label={`Comment on ${title}`}
          action="Comment"
          onSubmit={write}
        />
      )}
    </section>
  );
}

function Line({ todos, todo, comment }: CommentsProps & { comment: Comment }) {
  const isEdited = useSignal(false);
  const { author, body, createdAt, editedAt, deletedAt, mentions } = comment;
  const isOwn = author?.id === todos.viewerId.value;
  const list = todo.list ? listNamed(todos, todo.list.id) : undefined;
  const mayEdit = isOwn && mayWrite(todos, todo) && !deletedAt;
  const mayDelete = mayEdit || (!deletedAt && (list ? has(list, 'MANAGER') : true));
  const who = author?.username ?? 'somebody';

  async function remove() {
    const problem = await deleteComment(todos, todo, comment).catch(messageOf);
    if (problem) todos.refuse(`The comment was not deleted. ${problem}`);
  }

  async function edit(text: string): Promise<string> {
    const problem = await editComment(todos, todo, comment, text);
    if (!problem) isEdited.value = false;
    return problem;
  }

  return (
    <li>
      <p class="detail">
        <strong>{who}</strong>{' '}
        <time dateTime={createdAt}>{new Date(createdAt).toLocaleString()}</time>
        {editedAt && !deletedAt && ' (edited)'}
      </p>
      {deletedAt ? (
        <p class="detail">This comment was deleted.</p>
      ) : isEdited.value ? (
        <CommentForm
          {...{ todos, todo }}
          label="Edit your comment"
          action="Save"
          text={withNames(body)}
          onSubmit={edit}
          onCancel={() => (isEdited.value = false)}
        />
      ) : (
        <div class="body" dangerouslySetInnerHTML={{ __html: htmlOf(body, mentions) }} />
      )}
      {!isEdited.value && (mayEdit || mayDelete) && (
        <p>
          {mayEdit && (
            <button
              class="link"
              aria-label={`Edit the comment of ${who}`}
              onClick={() => (isEdited.value = true)}
            >
              Edit
            </button>
          )}
          {mayDelete && (
            <button
              class="link"
              aria-label={`Delete the comment of ${who}`}
              onClick={({ currentTarget }) => {
                currentTarget.closest('section')?.querySelector('textarea')?.focus();
                void remove();
              }}
            >
              Delete
            </button>
          )}
        </p>
      )}
    </li>
  );
}
