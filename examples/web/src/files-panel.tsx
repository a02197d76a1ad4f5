// The files of a todo, pictures as small pictures, and a field for one more.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { File as Stored } from './file-operations';
import { attach, deleteFile, loadFiles } from './files';
import type { Todo } from './operations';
import { messageOf } from './retrying';
import { mayWrite } from './roles';
import type { Todos } from './todos';
import { ownAddress, sizeOf } from './uploads';

const STATES: Partial<Record<Stored['state'], string>> = {
  UPLOADING: 'not uploaded yet',
  SCANNING: 'being checked',
  REFUSED: 'refused',
};

interface FilesProps {
  todos: Todos;
  todo: Todo;
}

export function FilesPanel({ todos, todo }: FilesProps) {
  const { id, title, version } = todo;
  const files = useSignal<readonly Stored[]>([]);

  async function load(): Promise<void> {
    files.value = await loadFiles(id);
  }

  // A file that comes or goes is a change of its todo, and links to files are good for minutes.
  useEffect(() => {
    load().catch((error: unknown) => todos.refuse(messageOf(error)));
  }, [todos, id, version]);

  async function remove(file: Stored): Promise<void> {
    const problem = await deleteFile(file).catch(messageOf);
    if (problem) todos.refuse(`${file.fileName} was not deleted. ${problem}`);
    await load().catch(() => undefined);
  }

  return (
    <section class="files" aria-label={`Files of ${title}`}>
      <h3>Files</h3>
      {files.value.length > 0 && (
        <ul>
          {files.value.map((file) => (
            <Line
              key={file.id}
              file={file}
              onRemove={mayWrite(todos, todo) ? () => void remove(file) : undefined}
            />
          ))}
        </ul>
      )}
      {mayWrite(todos, todo) && <AttachField todo={todo} onAttached={() => void load()} />}
    </section>
  );
}

function Line({ file, onRemove }: { file: Stored; onRemove: (() => void) | undefined }) {
  const { fileName, size, state, refusedBecause, url, thumbnailUrl } = file;
  return (
    <li class="fields">
      {thumbnailUrl && <img src={ownAddress(thumbnailUrl)} alt="" loading="lazy" />}
      <span class="name">
        {url ? (
          <a href={ownAddress(url)} target="_blank" rel="noreferrer">
            {fileName}
          </a>
        ) : (
          fileName
        )}{' '}
        <span class="detail">{refusedBecause ?? STATES[state] ?? sizeOf(size)}</span>
      </span>
      {onRemove && (
        <button
          class="link"
          aria-label={`Delete the file ${fileName}`}
          onClick={({ currentTarget }) => {
            currentTarget.closest('section')?.querySelector('input')?.focus();
            onRemove();
          }}
        >
          Delete
        </button>
      )}
    </li>
  );
}

function AttachField({ todo, onAttached }: { todo: Todo; onAttached: () => void }) {
  const progress = useSignal<number | null>(null);
  const problem = useSignal('');

  async function send(field: HTMLInputElement): Promise<void> {
    const [file] = field.files ?? [];
    if (!file || progress.value !== null) return;
    progress.value = 0;
    const sent = attach(todo.id, crypto.randomUUID(), file, (share) => (progress.value = share));
    problem.value = await sent.catch(messageOf);
    progress.value = null;
    field.value = '';
    onAttached();
  }

  return (
    <p>
      <label>
        Attach a file
        <input
          type="file"
          aria-label={`Attach a file to ${todo.title}`}
          aria-disabled={progress.value !== null}
          onChange={({ currentTarget }) => void send(currentTarget)}
        />
      </label>
      {progress.value !== null && (
        <progress aria-label="Uploading" value={progress.value} max={1} />
      )}
      <span role="alert" class="problem">
        {problem.value}
      </span>
    </p>
  );
}
