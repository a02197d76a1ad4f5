// What is asked of the server about the inbox.
import { graphql } from './__generated__';

export const LOAD_INBOX = graphql(`
  query LoadInbox {
    notifications(first: 20) {
      unreadCount
      nodes {
        id
        kind
        count
        excerpt
        createdAt
        readAt
        subject {
          __typename
          id
          ... on Comment {
            todo {
              id
            }
          }
        }
      }
    }
  }
`);

// Only that something came: the inbox is loaded again, with the count.
export const FOLLOW_INBOX = graphql(`
  subscription FollowInbox {
    notifications {
      id
      kind
    }
  }
`);

export const READ_ALL = graphql(`
  mutation ReadNotifications($upToId: ID!) {
    notificationsReadAll(upToId: $upToId) {
      errors {
        ...Problem
      }
    }
  }
`);
