// What is asked of the server about imports and exports.
import { graphql } from './__generated__';

export type { JobFragment as Job, ImportProblemFragment as ImportProblem } from './__generated__/graphql';

graphql(`
  fragment Job on Job {
    __typename
    id
    state
    done
    total
    failedBecause
    ... on ImportJob {
      format
      isTrial
      counts
    }
    ... on ExportJob {
      url
      size
    }
  }

  fragment ImportProblem on ImportProblem {
    place
    title
    message
    isLoss
  }
`);

export const CREATE_IMPORT = graphql(`
  mutation CreateImport($input: ImportInput!) {
    importCreate(input: $input) {
      job {
        ...Job
      }
      upload {
        ...Upload
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const START_IMPORT = graphql(`
  mutation StartImport($id: ID!, $isTrial: Boolean!) {
    importStart(id: $id, isTrial: $isTrial) {
      job {
        ...Job
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const CREATE_EXPORT = graphql(`
  mutation CreateExport($withFiles: Boolean!) {
    exportCreate(withFiles: $withFiles) {
      job {
        ...Job
      }
      errors {
        ...Problem
      }
    }
  }
`);

export const CANCEL_JOB = graphql(`
  mutation CancelJob($id: ID!) {
    jobCancel(id: $id) {
      ok
      errors {
        ...Problem
      }
    }
  }
`);

export const FOLLOW_JOB = graphql(`
  subscription FollowJob($id: ID!) {
    job(id: $id) {
      ...Job
    }
  }
`);

export const LOAD_PROBLEMS = graphql(`
  query LoadProblems($id: ID!, $after: String) {
    node(id: $id) {
      __typename
      ... on ImportJob {
        problems(first: 20, after: $after) {
          nodes {
            ...ImportProblem
          }
          pageInfo {
            hasNextPage
            endCursor
          }
          totalCount
        }
      }
    }
  }
`);
