// The rules of graphql-eslint for schemas, and those for Relay, on what the server serves.
import plugin from '@graphql-eslint/eslint-plugin';

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: {
      parser: plugin.parser,
      parserOptions: { graphQLConfig: { schema: `${import.meta.dirname}/../../schema.graphql` } },
    },
    plugins: { '@graphql-eslint': plugin },
    rules: {
      ...plugin.configs['flat/schema-all'].rules,
      ...plugin.configs['flat/schema-relay'].rules,

      // What matters most comes first, for people who read the schema from top to bottom.
      '@graphql-eslint/alphabetize': 'off',
      // Clients change things, and follow changes.
      '@graphql-eslint/no-root-type': 'off',
      // An id and the version that was seen say which todo; input says what to change in it.
      '@graphql-eslint/input-name': 'off',
      // A payload gives what its mutation changed; the cost of an answer stays the mutation's own.
      '@graphql-eslint/require-field-of-type-query-in-mutation-result': 'off',
      // Who isn't signed in has no list to be null among other things: the answer has no data.
      '@graphql-eslint/require-nullable-result-in-root': 'off',
      // The specified @deprecated has no argument for a date, so that it stands in the reason.
      '@graphql-eslint/require-deprecation-date': 'off',
      // User.username is one word, of which `name` would say less than `fullName` does.
      '@graphql-eslint/no-typename-prefix': 'off',

      // Connections have `nodes` beside `edges`; errors, results, tags and sessions are short lists.
      // A problem in the report of an import isn't looked up by an id.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      // Changes are read in the order in which they were made, the only one that has no gaps.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
      // What has no life of its own has no id of its own.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            suffixes: ['Connection', 'Edge', 'Payload', 'Error'],
            types: [
              'DeliveryAttempt',
              'FieldChange',
              'ImportProblem',
              'PageInfo',
              'ResyncRequired',
              // Its id is that of the todo, and null for a create that failed without one.
              'TodoBulkResult',
              'AssigneeFacet',
              'DayFacet',
              'ListFacet',
              'NotificationPreference',
              'NotificationPreferences',
              'Occurrence',
              'PriorityFacet',
              'QuietHours',
              'Recurrence',
              'StatusFacet',
              'SubtaskProgress',
              'TagFacet',
              'TodoFacets',
              'TodoStats',
              'Tokens',
              'UploadHeader',
              'UploadTarget',
            ],
          },
        },
      ],
    },
  },
];
