// How far a job is, and what came of an import: numbers, and what couldn't be taken over.
import { messageOf } from './retrying';
import { useSignal } from '@preact/signals';
import type { Job } from './transfer-operations';
import { cancelJob, type Problems } from './transfers';

export function JobProgress({ job, label }: { job: Job; label: string }) {
  const problem = useSignal('');
  const { id, done, total } = job;
  return (
    <p class="fields">
      <progress aria-label={label} value={total ? done : undefined} max={total ?? undefined} />
      <span class="detail" role="status">
        {total ? `${done} of ${total}` : 'Waiting…'}
      </span>
      <button
        onClick={async () => {
          problem.value = await cancelJob(id).catch(messageOf);
        }}
      >
        Cancel
      </button>
      <span role="alert" class="problem">
        {problem.value}
      </span>
    </p>
  );
}

interface ReportProps {
  job: Job;
  format: string;
  report: Problems;
  onMore: () => void;
}

function wordsFor(job: Job, counts: number): string {
  if (counts === 0) return 'Nothing.';
  return WORDS[job.state] ?? '';
}

const WORDS: Partial<Record<Job['state'], string>> = {
  CANCELLED: 'Cancelled. What was imported until then stays; importing the file again goes on.',
  FAILED: 'What was imported until then stays; importing the file again goes on.',
};

export function Report({ job, format, report, onMore }: ReportProps) {
  if (job.__typename !== 'ImportJob') return null;
  const counts = Object.entries(job.counts as Record<string, number>).filter(([, n]) => n > 0);
  const title = job.isTrial ? 'What would come in' : 'What came in';
  return (
    <div class="report">
      <h4>
        {title}
        {format && <span class="detail"> ({format})</span>}
      </h4>
      <p role="status">{wordsFor(job, counts.length)}</p>
      <ul aria-label={title}>
        {counts.map(([name, number]) => (
          <li key={name}>
            {number} {wordsOf(name)}
          </li>
        ))}
      </ul>
      {report.total > 0 && (
        <>
          <h4>{report.total === 1 ? 'One thing' : `${report.total} things`} to know</h4>
          <ul aria-label="Problems">
            {report.problems.map(({ place, title: of, message, isLoss }, index) => (
              <li key={index}>
                <strong>{of ?? place}</strong> {of && <span class="detail">({place})</span>}{' '}
                {message} {isLoss && <span class="badge">kept in the description</span>}
              </li>
            ))}
          </ul>
          {report.next && (
            <button class="link" onClick={onMore}>
              Show more
            </button>
          )}
        </>
      )}
    </div>
  );
}

/** A name of a count, such as alreadyImported, in words. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
