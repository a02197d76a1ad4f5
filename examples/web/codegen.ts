import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: ['src/*operations.ts'],
  generates: {
    './src/__generated__/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        // Every scalar has to be named here, so that none becomes `any` unseen.
        strictScalars: true,
        scalars: {
          ID: 'string',
          DateTime: 'string',
          JSON: 'unknown',
          TimeZone: 'string',
          Date: 'string',
          Duration: 'string',
        },
        enumsAsTypes: true,
        useTypeImports: true,
        // Events and errors are told apart by __typename, which the operations ask for.
        skipTypename: true,
      },
    },
  },
};

export default config;
