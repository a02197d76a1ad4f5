// What babel-plugin-relay does in a front end's build, as hooks of Node's module loader: each
// graphql`…` becomes an import of what relay-compiler made of it. For: node --import relay-hooks.mjs
// Whether tsx has taken the types out by then depends on the version of Node, so they are taken out.
import { transformAsync } from '@babel/core';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.includes('/src/relay/') || url.includes('/__generated__/')) return loaded;
  const { code } = await transformAsync(loaded.source.toString(), {
    filename: new URL(url).pathname,
    plugins: ['relay'],
    presets: [['@babel/preset-typescript', { onlyRemoveTypeImports: true }]],
    babelrc: false,
    configFile: false,
  });
  return { ...loaded, format: 'module', source: code };
}

if (isMainThread) register(import.meta.url);
