// Imports and exports: what is sent for them, and how far they are until they end.
import type { FollowJobSubscription, ImportFormat } from './__generated__/graphql';
import { dataOf } from './answers';
import { delayAfter, messageOf, pause, TryAgainLater } from './retrying';
import { eventsOf, server } from './server';
import {
  CANCEL_JOB,
  CREATE_EXPORT,
  CREATE_IMPORT,
  FOLLOW_JOB,
  type ImportProblem,
  type Job,
  LOAD_PROBLEMS,
  START_IMPORT,
} from './transfer-operations';
import { type OnProgress, sha256, upload } from './uploads';

/** What came of a step: a job, or what to do about it. */
export type Outcome = { readonly job: Job } | { readonly problem: string };

const ENDED = new Set<Job['state']>(['DONE', 'FAILED', 'CANCELLED']);

export function isEnded({ state }: Job): boolean {
  return ENDED.has(state);
}

/** Uploads a file to be imported; a format of null is found out by the server. */
export async function createImport(
  file: File,
  format: ImportFormat | null,
  listId: string | null,
  onProgress: OnProgress,
): Promise<Outcome> {
  const { name: fileName, size } = file;
  const input = { fileName, size, sha256: await sha256(file), format, listId };
  const { importCreate } = await dataOf(server.mutation(CREATE_IMPORT, { input }));
  if (importCreate?.upload) await upload(importCreate.upload, file, onProgress);
  return outcomeOf(importCreate);
}

/** Reads what was uploaded: on trial nothing is stored, and the report is the same. */
export async function startImport(id: string, isTrial: boolean): Promise<Outcome> {
  const { importStart } = await dataOf(server.mutation(START_IMPORT, { id, isTrial }));
  return outcomeOf(importStart);
}

export async function createExport(withFiles: boolean): Promise<Outcome> {
  const { exportCreate } = await dataOf(server.mutation(CREATE_EXPORT, { withFiles }));
  return outcomeOf(exportCreate);
}

/** Ends a job that runs or waits, or says why not. */
export async function cancelJob(id: string): Promise<string> {
  const { jobCancel } = await dataOf(server.mutation(CANCEL_JOB, { id }));
  return jobCancel?.errors[0]?.message ?? '';
}

function outcomeOf(
  payload: { job: Job | null; errors: readonly { message: string }[] } | null,
): Outcome {
  const problem = payload?.errors[0]?.message;
  if (payload?.job && !problem) return { job: payload.job };
  return { problem: problem ?? 'The server gave no answer. Try it again.' };
}

/** A job as it goes on, until it has ended or the signal aborts, however often the connection breaks. */
export async function* jobAsItRuns(id: string, signal: AbortSignal): AsyncGenerator<Job> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      for await (const { job } of eventsOf<FollowJobSubscription>(FOLLOW_JOB, { id }, signal)) {
        failures = 0;
        yield job;
        if (isEnded(job)) return;
      }
    } catch (error) {
      if (!(error instanceof TryAgainLater)) throw new Error(messageOf(error));
      await pause(delayAfter(error, failures), signal);
    }
  }
}

export interface Problems {
  readonly problems: readonly ImportProblem[];
  readonly total: number;
  /** Where more follow, null if none do. */
  readonly next: string | null;
}

export const NO_PROBLEMS: Problems = { problems: [], total: 0, next: null };

/** The next problems of a report, behind those that are loaded. */
export async function moreProblems(id: string, known: Problems): Promise<Problems> {
  const { node } = await dataOf(server.query(LOAD_PROBLEMS, { id, after: known.next }));
  if (node?.__typename !== 'ImportJob') return NO_PROBLEMS;
  const { nodes, pageInfo, totalCount } = node.problems;
  return {
    problems: [...known.problems, ...nodes],
    total: totalCount,
    next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
  };
}
