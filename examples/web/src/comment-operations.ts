// What is asked of the server about comments.
import { graphql } from './__generated__';

export type { CommentFragment as Comment } from './__generated__/graphql';

graphql(`
  fragment Comment on Comment {
    id
    body
    version
    createdAt
    editedAt
    deletedAt
    author {
      ...Person
    }
    mentions {
      ...Person
    }
  }

  fragment CommentResult on CommentPayload {
    comment {
      ...Comment
    }
    errors {
      ...Problem
    }
  }
`);

export const LOAD_COMMENTS = graphql(`
  query LoadComments($todoId: ID!, $before: String) {
    node(id: $todoId) {
      __typename
      ... on Todo {
        comments(last: 50, before: $before) {
          nodes {
            ...Comment
          }
          pageInfo {
            startCursor
            hasPreviousPage
          }
        }
      }
    }
  }
`);

export const WRITE_COMMENT = graphql(`
  mutation WriteComment($todoId: ID!, $input: CommentCreateInput!) {
    commentCreate(todoId: $todoId, input: $input) {
      ...CommentResult
    }
  }
`);

export const EDIT_COMMENT = graphql(`
  mutation EditComment($id: ID!, $body: String!, $expectedVersion: Int) {
    commentUpdate(id: $id, body: $body, expectedVersion: $expectedVersion) {
      ...CommentResult
    }
  }
`);

export const DELETE_COMMENT = graphql(`
  mutation DeleteComment($id: ID!) {
    commentDelete(id: $id) {
      ...CommentResult
    }
  }
`);
