// Where Monaco finds its workers; the names are those of the files that the build wrote.

/* global EDITOR_WORKER, GRAPHQL_WORKER, JSON_WORKER */
const FILES = { graphql: GRAPHQL_WORKER, json: JSON_WORKER };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(new URL(FILES[label] ?? EDITOR_WORKER, import.meta.url)),
};
