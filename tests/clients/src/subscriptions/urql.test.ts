// urql's subscriptions, which it sends like its queries and takes as server-sent events.
import { sessionOfNobody } from '../round-trip';
import { makeUrql } from '../urql';
import { CHANGES, type Changes, followChanges } from './changes';

const session = sessionOfNobody();
const client = makeUrql(session);

followChanges(session, (after, onEvent) => {
  const { unsubscribe } = client
    .subscription<Changes>(CHANGES, { after })
    .subscribe(({ data, error }) => {
      if (error) throw error;
      if (data) onEvent(data);
    });
  return unsubscribe;
});
