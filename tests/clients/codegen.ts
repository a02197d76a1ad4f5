import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: ['src/*.ts'],
  generates: {
    './src/__generated__/': {
      preset: 'client',
      presetConfig: { fragmentMasking: { unmaskFunctionName: 'unmask' } },
      config: {
        // Every scalar has to be named here, so that none becomes `any` unseen.
        strictScalars: true,
        scalars: { DateTime: 'string', JSON: 'unknown' },
        enumsAsTypes: true,
        useTypeImports: true,
        // Apollo and urql ask for __typename everywhere but at the root.
        nonOptionalTypename: true,
        skipTypeNameForRoot: true,
      },
    },
    // Which types the interfaces and unions stand for: Apollo's cache asks for it.
    './src/__generated__/possible-types.ts': {
      plugins: ['fragment-matcher'],
      config: { useExplicitTyping: true },
    },
  },
};

export default config;
