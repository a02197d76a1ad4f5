// Takes in what other programs have written, first on trial, and gives out everything there is.
import { useSignal } from '@preact/signals';
import type { TargetedSubmitEvent } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ImportFormat } from './__generated__/graphql';
import { messageOf } from './retrying';
import { has } from './roles';
import type { Todos } from './todos';
import type { Job } from './transfer-operations';
import { JobProgress, Report } from './transfer-report';
import {
  createExport,
  createImport,
  isEnded,
  jobAsItRuns,
  NO_PROBLEMS,
  moreProblems,
  type Outcome,
  type Problems,
  startImport,
} from './transfers';
import { ownAddress, sizeOf } from './uploads';

const FORMATS: Record<ImportFormat, string> = {
  TODO_GQL: 'An export of this program',
  TODOIST: 'Todoist',
  TASKWARRIOR: 'Taskwarrior',
  TODO_TXT: 'todo.txt',
  VIKUNJA: 'Vikunja',
  MICROSOFT_TODO: 'Microsoft To Do',
  GOOGLE_TASKS: 'Google Tasks',
  ICALENDAR: 'iCalendar',
  TICKTICK: 'TickTick',
};

export function TransferPanel({ todos }: { todos: Todos }) {
  return (
    <div class="card transfer">
      <ImportSection todos={todos} />
      <ExportSection />
    </div>
  );
}

/** Follows a job from when it is named until it ends, as the component's own state. */
function useJob() {
  const job = useSignal<Job | null>(null);
  const problem = useSignal('');
  const isBusy = useSignal(false);
  const leaving = useSignal(new AbortController());
  useEffect(() => () => leaving.value.abort(), [leaving]);

  async function run(step: () => Promise<Outcome>): Promise<Job | null> {
    if (isBusy.value) return null;
    isBusy.value = true;
    problem.value = '';
    try {
      const outcome = await step();
      if ('problem' in outcome) {
        problem.value = outcome.problem;
        return null;
      }
      job.value = outcome.job;
      for await (const next of jobAsItRuns(outcome.job.id, leaving.value.signal)) job.value = next;
      return job.value;
    } catch (error) {
      problem.value = messageOf(error);
      return null;
    } finally {
      isBusy.value = false;
    }
  }

  return { job, problem, isBusy, run };
}

function ImportSection({ todos }: { todos: Todos }) {
  const { job, problem, isBusy, run } = useJob();
  const sent = useSignal<number | null>(null);
  const report = useSignal<Problems>(NO_PROBLEMS);
  const lists = (todos.overview.value?.lists ?? []).filter((list) => has(list, 'EDITOR'));

  async function start(id: string, isTrial: boolean): Promise<void> {
    report.value = NO_PROBLEMS;
    const ended = await run(() => startImport(id, isTrial));
    if (ended === null) return;
    await more(id);
    if (!isTrial) todos.refresh();
  }

  async function more(id: string): Promise<void> {
    report.value = await moreProblems(id, report.value).catch((error: unknown) => {
      problem.value = messageOf(error);
      return report.value;
    });
  }

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    const file = typed.get('file');
    if (!(file instanceof File) || isBusy.value) return;
    const format = (String(typed.get('format')) || null) as ImportFormat | null;
    const listId = String(typed.get('list')) || null;
    job.value = null;
    sent.value = 0;
    problem.value = '';
    const created = createImport(file, format, listId, (share) => (sent.value = share));
    const outcome = await created.catch((error: unknown) => ({ problem: messageOf(error) }));
    sent.value = null;
    if ('problem' in outcome) problem.value = outcome.problem;
    else await start(outcome.job.id, true);
  }

  const { value: shown } = job;
  const isTried = shown?.__typename === 'ImportJob' && shown.isTrial && shown.state === 'DONE';
  return (
    <section aria-label="Import">
      <h3>Import</h3>
      <p class="hint">
        Choose a file of another program. It is tried first: you see what would come in, and nothing
        is stored until you say so.
      </p>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          File
          <input name="file" type="file" required />
        </label>
        <label>
          Written by
          <select name="format">
            <option value="">Find out</option>
            {Object.entries(FORMATS).map(([format, name]) => (
              <option key={format} value={format}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Into
          <select name="list">
            <option value="">The lists of the file, or else the inbox</option>
            {lists.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button class="main" aria-disabled={isBusy.value || sent.value !== null}>
          Try
        </button>
      </form>
      {sent.value !== null && <progress aria-label="Uploading" value={sent.value} max={1} />}
      {shown && !isEnded(shown) && <JobProgress job={shown} label="Importing" />}
      <p role="alert" class="problem">
        {problem.value || shown?.failedBecause}
      </p>
      {shown && isEnded(shown) && (
        <Report
          job={shown}
          format={shown.__typename === 'ImportJob' && shown.format ? FORMATS[shown.format] : ''}
          report={report.value}
          onMore={() => void more(shown.id)}
        />
      )}
      {isTried && !isBusy.value && (
        <button class="main" onClick={() => void start(shown.id, false)}>
          Import this
        </button>
      )}
    </section>
  );
}

function ExportSection() {
  const { job, problem, isBusy, run } = useJob();

  function submit(event: TargetedSubmitEvent<HTMLFormElement>): void {
    event.preventDefault();
    const withFiles = new FormData(event.currentTarget).has('files');
    job.value = null;
    void run(() => createExport(withFiles));
  }

  const { value: shown } = job;
  return (
    <section aria-label="Export">
      <h3>Export</h3>
      <p class="hint">
        Everything that is yours, in files that this program and others read. It can be fetched for
        a week.
      </p>
      <form onSubmit={submit}>
        <label>
          <input name="files" type="checkbox" defaultChecked /> With attached files
        </label>
        <button class="main" aria-disabled={isBusy.value}>
          Export
        </button>
      </form>
      {shown && !isEnded(shown) && <JobProgress job={shown} label="Exporting" />}
      <p role="alert" class="problem">
        {problem.value}
        {shown?.failedBecause}
      </p>
      {shown?.__typename === 'ExportJob' && shown.url && (
        <p role="status">
          <a href={ownAddress(shown.url)} download>
            Save the export
          </a>
          {shown.size !== null && <span class="detail"> {sizeOf(shown.size)}</span>}
        </p>
      )}
    </section>
  );
}
