// The operations of a Relay front end: a list in pages, a todo that fetches itself, mutations.
import { graphql } from 'relay-runtime';

export const TODO = graphql`
  fragment todos_todo on Todo @refetchable(queryName: "todosTodoQuery") {
    id
    title
    description
    status
    version
    updatedAt
    metadata
    tags {
      name
    }
  }
`;

export const ERRORS = graphql`
  fragment todos_errors on UserError @relay(plural: true) {
    __typename
    code
    message
    path
    ... on ConflictError {
      current {
        id
        ... on Todo {
          version
        }
      }
    }
  }
`;

export const LIST = graphql`
  fragment todos_list on Query
  @refetchable(queryName: "todosListPaginationQuery")
  @argumentDefinitions(
    filter: { type: "TodoFilter" }
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  ) {
    todos(filter: $filter, first: $first, after: $after, last: $last, before: $before)
      @connection(key: "todos_todos") {
      __id
      totalCount
      edges {
        node {
          id
          ...todos_todo
        }
      }
      pageInfo {
        startCursor
        endCursor
      }
    }
  }
`;

export const TODOS = graphql`
  query todosQuery($filter: TodoFilter, $first: Int, $last: Int) {
    ...todos_list @arguments(filter: $filter, first: $first, last: $last)
  }
`;

export const VIEWER = graphql`
  query todosViewerQuery {
    viewer {
      username
    }
  }
`;

export const REGISTER = graphql`
  mutation todosRegisterMutation($input: RegisterInput!) {
    register(input: $input) {
      tokens {
        accessToken
        refreshToken
      }
      errors {
        ...todos_errors
      }
    }
  }
`;

export const CREATE = graphql`
  mutation todosCreateMutation($input: TodoCreateInput!, $connections: [ID!]!) {
    todoCreate(input: $input) {
      todo @prependNode(connections: $connections, edgeTypeName: "TodoEdge") {
        id
        ...todos_todo
      }
      errors {
        ...todos_errors
      }
    }
  }
`;

export const UPDATE = graphql`
  mutation todosUpdateMutation($id: ID!, $input: TodoUpdateInput!, $expectedVersion: Int) {
    todoUpdate(id: $id, input: $input, expectedVersion: $expectedVersion) {
      todo {
        ...todos_todo
      }
      errors {
        ...todos_errors
      }
    }
  }
`;

export const COMPLETE_MANY = graphql`
  mutation todosCompleteManyMutation($ids: [ID!]!) {
    todoBulkUpdate(ids: $ids, action: { setStatus: COMPLETED }, onError: SKIP_FAILED) {
      updated
      results {
        index
        todoId
        todo {
          ...todos_todo
        }
        errors {
          ...todos_errors
        }
      }
    }
  }
`;
