import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: ['src/operations.ts'],
  generates: {
    './src/__generated__/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        // Every scalar has to be named here, so that none becomes `any` unseen.
        strictScalars: true,
        scalars: { DateTime: 'string', JSON: 'unknown' },
        enumsAsTypes: true,
        useTypeImports: true,
        // Events and errors are told apart by __typename, which the operations ask for.
        skipTypename: true,
      },
    },
  },
};

export default config;
