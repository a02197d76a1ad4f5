// Keeps the inbox in step with the server: loaded at first, and again with each notification.
import { signal } from '@preact/signals';
import type { FollowInboxSubscription, LoadInboxQuery } from './__generated__/graphql';
import { dataOf, SignedOut } from './answers';
import { FOLLOW_INBOX, LOAD_INBOX, READ_ALL } from './inbox-operations';
import { delayAfter, pause, until } from './retrying';
import { eventsOf, isLive, server } from './server';

type Inbox = LoadInboxQuery['notifications'];
export type Entry = Inbox['nodes'][number];

/** What is in the inbox; undefined until it is loaded. */
export const inbox = signal<Inbox>();

/** Follows the inbox until the signal aborts, whatever happens; calls back for each invitation. */
export async function followInbox(stop: AbortSignal, onInvited: () => void): Promise<void> {
  // Todos come first, and with them the connection that says that the page is live.
  await until(() => isLive.value);
  for (let failures = 0; !stop.aborted; failures++) {
    try {
      // Subscribed before it is loaded, so that nothing is missed in between.
      const events = eventsOf<FollowInboxSubscription>(FOLLOW_INBOX, {}, stop);
      for (let next = upcoming(events); ; next = upcoming(events)) {
        await loadInbox();
        failures = 0;
        const event = await next;
        if (event.done) break;
        if (event.value.notifications.kind === 'INVITED') onInvited();
      }
    } catch (error) {
      if (error instanceof SignedOut) return;
      await pause(delayAfter(error, failures), stop);
    }
  }
}

/** The next event; a failure is for who awaits it, and no error of the page until then. */
function upcoming<Event>(events: AsyncGenerator<Event>): Promise<IteratorResult<Event>> {
  const next = events.next();
  next.catch(() => undefined);
  return next;
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
