// What is asked of the server; graphql-codegen gives each operation its types.
import { graphql } from './__generated__';

export type { ProblemFragment as Problem, TodoFragment as Todo } from './__generated__/graphql';

graphql(`
  fragment Todo on Todo {
    id
    title
    status
    version
    createdAt
    deletedAt
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
`);

export const LOAD = graphql(`
  query LoadTodos($after: String) {
    changeCursor
    todos(first: 50, after: $after) {
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
  subscription FollowChanges($after: String!) {
    changes(after: $after) {
      __typename
      ... on Change {
        cursor
        todoId
        todo {
          ...Todo
        }
      }
    }
  }
`);

export const CREATE = graphql(`
  mutation CreateTodo($id: ID!, $title: String!) {
    todoCreate(input: { id: $id, title: $title }) {
      todo {
        ...Todo
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const UPDATE = graphql(`
  mutation UpdateTodo($id: ID!, $input: TodoUpdateInput!, $expectedVersion: Int) {
    todoUpdate(id: $id, input: $input, expectedVersion: $expectedVersion) {
      todo {
        ...Todo
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const COMPLETE = graphql(`
  mutation CompleteTodo($id: ID!) {
    todoComplete(id: $id) {
      todo {
        ...Todo
      }
      errors {
        ...Problem
      }
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
          ...Problem
        }
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const DELETE = graphql(`
  mutation DeleteTodo($id: ID!) {
    todoDelete(id: $id) {
      todo {
        ...Todo
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const SIGN_IN = graphql(`
  mutation SignIn($input: LoginInput!) {
    login(input: $input) {
      user {
        username
      }
      tokens {
        ...TokenPair
      }
      errors {
        ...Problem
      }
    }
  }

  fragment TokenPair on Tokens {
    accessToken
    refreshToken
    expiresIn
  }
`);

export const REGISTER = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      user {
        username
      }
      tokens {
        ...TokenPair
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const REFRESH = graphql(`
  mutation RefreshTokens($refreshToken: String!) {
    tokenRefresh(refreshToken: $refreshToken) {
      tokens {
        ...TokenPair
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const SIGN_OUT = graphql(`
  mutation SignOut {
    logout {
      ok
    }
  }
`);
