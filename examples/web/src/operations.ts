// What is asked of the server about todos; graphql-codegen gives each operation its types.
import { graphql } from './__generated__';

export type { ProblemFragment as Problem, TodoFragment as Todo } from './__generated__/graphql';

graphql(`
  fragment Todo on Todo {
    id
    title
    status
    dueAt
    dueDate
    dueTimeZone
    startAt
    startDate
    recurrence {
      rule
      mode
      timeZone
      catchesUp
    }
    snoozedUntil
    version
    deletedAt
    position
    list {
      id
    }
    section {
      id
    }
    parent {
      id
    }
    progress {
      total
      completed
    }
    assignee {
      ...Person
    }
  }

  fragment Problem on UserError {
    __typename
    code
    message
    path
    ... on ConflictError {
      current {
        __typename
        ...Todo
      }
    }
  }

  fragment Changed on TodoPayload {
    todo {
      ...Todo
    }
    undoCursor
    errors {
      ...Problem
    }
  }
`);

export const LOAD = graphql(`
  query LoadTodos($filter: TodoFilter, $sort: [TodoSort!], $first: Int = 50, $after: String) {
    todos(filter: $filter, sort: $sort, first: $first, after: $after) {
      nodes {
        ...Todo
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`);

export const FOLLOW = graphql(`
  subscription FollowFeed($after: String!) {
    feed(after: $after) {
      __typename
      ... on Change {
        cursor
        todoId
        fields {
          name
          before
        }
        todo {
          ...Todo
        }
      }
      ... on ListChange {
        cursor
        action
        listId
        actor {
          ...Person
        }
      }
      ... on MemberChange {
        cursor
        action
        listId
        actor {
          ...Person
        }
        user {
          ...Person
        }
      }
      ... on CommentChange {
        cursor
        todoId
        commentId
        comment {
          ...Comment
        }
      }
    }
  }
`);

export const CREATE = graphql(`
  mutation CreateTodo($input: TodoCreateInput!) {
    todoCreate(input: $input) {
      ...Changed
    }
  }
`);

export const UPDATE = graphql(`
  mutation UpdateTodo($id: ID!, $input: TodoUpdateInput!, $expectedVersion: Int) {
    todoUpdate(id: $id, input: $input, expectedVersion: $expectedVersion) {
      ...Changed
    }
  }
`);

export const COMPLETE = graphql(`
  mutation CompleteTodo($id: ID!) {
    todoComplete(id: $id) {
      ...Changed
    }
  }
`);

export const COMPLETE_MANY = graphql(`
  mutation CompleteTodos($ids: [ID!]!) {
    todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED }, onError: SKIP_FAILED) {
      results {
        todo {
          ...Todo
        }
        errors {
          message
        }
      }
      undoCursor
      errors {
        message
      }
    }
  }
`);

export const MOVE = graphql(`
  mutation MoveTodo($id: ID!, $to: TodoPlaceInput!) {
    todoMove(id: $id, to: $to) {
      ...Changed
    }
  }
`);

export const DELETE = graphql(`
  mutation DeleteTodo($id: ID!) {
    todoDelete(id: $id) {
      ...Changed
    }
  }
`);

// Without the todos, which may be thousands: their changes are told as all others are.
export const UNDO = graphql(`
  mutation UndoChanges($cursor: String!) {
    todoUndo(cursor: $cursor) {
      results {
        errors {
          message
        }
      }
      errors {
        message
      }
    }
  }
`);
