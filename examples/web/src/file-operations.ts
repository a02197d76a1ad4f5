// What is asked of the server about files of todos.
import { graphql } from './__generated__';

export type { FileFragment as File } from './__generated__/graphql';

graphql(`
  fragment File on Attachment {
    id
    fileName
    size
    state
    refusedBecause
    url
    thumbnailUrl
    uploadedBy {
      ...Person
    }
  }

  fragment Upload on UploadTarget {
    url
    method
    headers {
      name
      value
    }
  }
`);

export const LOAD_FILES = graphql(`
  query LoadFiles($todoId: ID!) {
    node(id: $todoId) {
      __typename
      ... on Todo {
        attachments {
          ...File
        }
      }
    }
  }
`);

export const CREATE_FILE = graphql(`
  mutation CreateFile($todoId: ID!, $input: AttachmentCreateInput!) {
    attachmentCreate(todoId: $todoId, input: $input) {
      upload {
        ...Upload
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const FINISH_FILE = graphql(`
  mutation FinishFile($id: ID!) {
    attachmentFinish(id: $id) {
      attachment {
        ...File
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const DELETE_FILE = graphql(`
  mutation DeleteFile($id: ID!) {
    attachmentDelete(id: $id) {
      ok
      errors {
        ...Problem
      }
    }
  }
`);
