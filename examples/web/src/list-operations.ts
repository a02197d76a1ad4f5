// What is asked of the server about lists, sections and views.
import { graphql } from './__generated__';

export type {
  ListFragment as List,
  LoadOverviewQuery as OverviewData,
  SectionFragment as Section,
} from './__generated__/graphql';

graphql(`
  fragment List on TodoList {
    id
    name
    color
    archivedAt
    viewerRole
    isShared
    owner {
      ...Person
    }
    stats {
      pending
      inProgress
    }
  }

  fragment ListPage on TodoListConnection {
    nodes {
      ...List
    }
    pageInfo {
      endCursor
      hasNextPage
    }
  }

  fragment Section on Section {
    id
    name
  }

  fragment ListResult on ListPayload {
    list {
      ...List
    }
    errors {
      ...Problem
    }
  }

  fragment SectionResult on SectionPayload {
    section {
      id
    }
    errors {
      ...Problem
    }
  }
`);

export const OVERVIEW = graphql(`
  query LoadOverview($listId: ID!, $isList: Boolean!, $refreshed: [ID!]!) {
    changeCursor
    active: lists(isArchived: false, first: 50) {
      ...ListPage
    }
    archived: lists(isArchived: true, first: 20) {
      ...ListPage
    }
    shown: node(id: $listId) @include(if: $isList) {
      __typename
      ... on TodoList {
        id
        sections {
          ...Section
        }
      }
    }
    savedViews {
      id
      name
      filter
      sort
    }
    invitations(first: 20) {
      nodes {
        ...Invitation
      }
    }
    inbox: stats(filter: { listId: { isNull: true } }) {
      pending
      inProgress
    }
    facets(filter: { status: { in: [PENDING, IN_PROGRESS] } }) {
      due {
        group
        count
      }
    }
    nodes(ids: $refreshed) {
      __typename
      ...Todo
    }
  }
`);

export const MORE_LISTS = graphql(`
  query LoadMoreLists($isArchived: Boolean!, $after: String) {
    lists(isArchived: $isArchived, first: 100, after: $after) {
      ...ListPage
    }
  }
`);

export const CREATE_LIST = graphql(`
  mutation CreateList($id: ID!, $name: String!) {
    listCreate(input: { id: $id, name: $name }) {
      ...ListResult
    }
  }
`);

export const UPDATE_LIST = graphql(`
  mutation UpdateList($id: ID!, $input: ListUpdateInput!) {
    listUpdate(id: $id, input: $input) {
      ...ListResult
    }
  }
`);

export const DELETE_LIST = graphql(`
  mutation DeleteList($id: ID!) {
    listDelete(id: $id) {
      ...ListResult
    }
  }
`);

export const RESTORE_LIST = graphql(`
  mutation RestoreList($id: ID!) {
    listRestore(id: $id) {
      ...ListResult
    }
  }
`);

export const CREATE_SECTION = graphql(`
  mutation CreateSection($listId: ID!, $name: String!) {
    sectionCreate(listId: $listId, name: $name) {
      ...SectionResult
    }
  }
`);

export const RENAME_SECTION = graphql(`
  mutation RenameSection($id: ID!, $name: String!) {
    sectionUpdate(id: $id, name: $name) {
      ...SectionResult
    }
  }
`);

export const DELETE_SECTION = graphql(`
  mutation DeleteSection($id: ID!) {
    sectionDelete(id: $id) {
      ...SectionResult
    }
  }
`);

export const CREATE_VIEW = graphql(`
  mutation CreateView($id: ID!, $name: String!, $filter: TodoFilter!) {
    savedViewCreate(input: { id: $id, name: $name, filter: $filter }) {
      view {
        id
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const DELETE_VIEW = graphql(`
  mutation DeleteView($id: ID!) {
    savedViewDelete(id: $id) {
      ok
      errors {
        ...Problem
      }
    }
  }
`);
