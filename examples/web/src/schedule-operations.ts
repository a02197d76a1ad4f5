// What is asked of the server about dates, repeating and snoozing.
import { graphql } from './__generated__';

// Libraries in browsers disagree with each other about rules: so the server says what comes.
export const PREVIEW = graphql(`
  query PreviewRecurrence($input: RecurrenceInput!, $dueDate: Date, $dueAt: DateTime) {
    recurrencePreview(input: $input, dueDate: $dueDate, dueAt: $dueAt, first: 5) {
      date
      at
    }
  }
`);

export const SERIES = graphql(`
  query LoadSeries($id: ID!) {
    todo(id: $id) {
      id
      recurrence {
        done
        next(first: 4) {
          date
          at
        }
        past(first: 5) {
          nodes {
            ...Todo
            completedAt
          }
        }
      }
    }
  }
`);

// With the version that was seen, so that a retry is no second step.
export const COMPLETE_OCCURRENCE = graphql(`
  mutation CompleteOccurrence($id: ID!, $expectedVersion: Int!) {
    todoComplete(id: $id, expectedVersion: $expectedVersion) {
      ...Changed
      completedOccurrence {
        ...Todo
      }
    }
  }
`);

export const SKIP = graphql(`
  mutation SkipOccurrence($id: ID!, $expectedVersion: Int!) {
    todoSkip(id: $id, expectedVersion: $expectedVersion) {
      ...Changed
    }
  }
`);

export const UNDO_OCCURRENCE = graphql(`
  mutation UndoOccurrence($id: ID!) {
    todoUndoOccurrence(id: $id) {
      ...Changed
    }
  }
`);

export const SNOOZE = graphql(`
  mutation SnoozeTodo($id: ID!, $until: DateTime) {
    todoSnooze(id: $id, until: $until) {
      ...Changed
    }
  }
`);
