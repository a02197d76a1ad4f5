// Keeps the inbox in step with the server: loaded at first, and again with each notification.
import { signal } from '@preact/signals';
import type { FollowInboxSubscription, LoadInboxQuery } from './__generated__/graphql';
import { dataOf, SignedOut } from './answers';
import { FOLLOW_INBOX, LOAD_INBOX, READ_ALL } from './inbox-operations';
import { delayAfter, pause } from './retrying';
import { eventsOf, server } from './server';

type Inbox = LoadInboxQuery['notifications'];
export type Entry = Inbox['nodes'][number];

/** What is in the inbox; undefined until it is loaded. */
export const inbox = signal<Inbox>();

/** Follows the inbox until the signal aborts, whatever happens. */
export async function followInbox(stop: AbortSignal): Promise<void> {
  for (let failures = 0; !stop.aborted; failures++) {
    try {
      // Subscribed before it is loaded, so that nothing is missed in between.
      const events = eventsOf<FollowInboxSubscription>(FOLLOW_INBOX, {}, stop);
      let next = events.next();
      for (;;) {
        await loadInbox();
        failures = 0;
        if ((await next).done) break;
        next = events.next();
      }
    } catch (error) {
      if (error instanceof SignedOut) return;
      await pause(delayAfter(error, failures), stop);
    }
  }
}

/** Loads the newest entries and the count. */
export async function loadInbox(): Promise<void> {
  inbox.value = (await dataOf(server.query(LOAD_INBOX, {}))).notifications;
}

/** Marks what is shown as read, and nothing that came meanwhile; throws Error with words for people. */
export async function readAll(): Promise<void> {
  const [newest] = inbox.value?.nodes ?? [];
  if (!newest) return;
  const { notificationsReadAll } = await dataOf(server.mutation(READ_ALL, { upToId: newest.id }));
  const [problem] = notificationsReadAll?.errors ?? [];
  if (problem) throw new Error(problem.message);
  await loadInbox();
}
