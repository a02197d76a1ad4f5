// The operations that the clients for TypeScript share, typed by graphql-codegen.
import { graphql } from './__generated__';

export const TODO_PARTS = graphql(`
  fragment TodoParts on Todo {
    id
    title
    description
    status
    priority
    dueAt
    estimatedMinutes
    tags {
      id
      name
    }
    metadata
    version
    updatedAt
  }
`);

export const ERROR_PARTS = graphql(`
  fragment ErrorParts on UserError {
    __typename
    code
    message
    path
    ... on ConflictError {
      current {
        __typename
        id
        ...TodoParts
      }
    }
  }
`);

export const REGISTER = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      user {
        id
        username
      }
      tokens {
        accessToken
        refreshToken
      }
      errors {
        ...ErrorParts
      }
    }
  }
`);

export const REFRESH = graphql(`
  mutation Refresh($refreshToken: String!) {
    tokenRefresh(refreshToken: $refreshToken) {
      tokens {
        accessToken
        refreshToken
      }
      errors {
        ...ErrorParts
      }
    }
  }
`);

export const VIEWER = graphql(`
  query Viewer {
    viewer {
      id
      username
    }
  }
`);

export const TODOS = graphql(`
  query Todos(
    $filter: TodoFilter
    $sort: [TodoSort!]
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    todos(
      filter: $filter
      sort: $sort
      first: $first
      after: $after
      last: $last
      before: $before
    ) {
      edges {
        cursor
        node {
          id
          ...TodoParts
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      totalCount
    }
  }
`);

export const CREATE = graphql(`
  mutation CreateTodo($input: TodoCreateInput!) {
    todoCreate(input: $input) {
      todo {
        id
        ...TodoParts
      }
      errors {
        ...ErrorParts
      }
    }
  }
`);

export const UPDATE = graphql(`
  mutation UpdateTodo($id: ID!, $input: TodoUpdateInput!, $expectedVersion: Int) {
    todoUpdate(id: $id, input: $input, expectedVersion: $expectedVersion) {
      todo {
        id
        ...TodoParts
      }
      errors {
        ...ErrorParts
      }
    }
  }
`);

export const COMPLETE_MANY = graphql(`
  mutation CompleteTodos($ids: [ID!]!) {
    todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED }, onError: SKIP_FAILED) {
      processed
      updated
      results {
        index
        todoId
        todo {
          id
          status
          version
        }
        errors {
          ...ErrorParts
        }
      }
      errors {
        ...ErrorParts
      }
    }
  }
`);

export const CHANGES = graphql(`
  subscription TodoChanges {
    changes {
      ... on Change {
        todoId
      }
    }
  }
`);
