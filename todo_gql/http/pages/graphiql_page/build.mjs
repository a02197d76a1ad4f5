// Bundles the page into dist/: index.html, and assets/ with a hash of the content in each name.

import { build } from 'esbuild';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = 'dist';
const ASSETS = join(DIST, 'assets');
const SMALLEST_COMPRESSED_BYTES = 1024;
const WORKERS = {
  editor: 'monaco-editor/esm/vs/editor/editor.worker.js',
  graphql: 'monaco-graphql/esm/graphql.worker.js',
  json: 'monaco-editor/esm/vs/language/json/json.worker.js',
};

const COMMON = {
  bundle: true,
  minify: true,
  metafile: true,
  target: 'es2022',
  legalComments: 'none',
  outdir: ASSETS,
  entryNames: '[name]-[hash]',
  chunkNames: 'chunk-[hash]',
  define: { 'process.env.NODE_ENV': '"production"' },
};

/** The file names that a build gave its entry points, by the entry points' names. */
function written(result) {
  const outputs = Object.entries(result.metafile.outputs).filter(([, output]) => output.entryPoint);
  return Object.fromEntries(
    outputs.map(([path]) => [basename(path).replace(/-[A-Z0-9]{8}\.\w+$/, ''), basename(path)]),
  );
}

/** The licences of all packages in the bundles, since they are shipped with it. */
async function licences(results) {
  const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
  const inputs = results.flatMap((result) => Object.keys(result.metafile.inputs));
  const folders = new Set(inputs.map((input) => folder.exec(input)?.[1]).filter(Boolean));
  const texts = [...folders].sort().map(async (path) => {
    const { name, version, license } = JSON.parse(await readFile(join(path, 'package.json')));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? await readFile(join(path, file), 'utf8') : '';
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}

async function bundle() {
  const workers = await build({ ...COMMON, entryPoints: WORKERS, format: 'iife' });
  const workerFiles = written(workers);
  const style = await build({
    ...COMMON,
    entryPoints: { style: 'style.css' },
    loader: { '.ttf': 'dataurl', '.woff2': 'dataurl' },
  });
  const main = await build({
    ...COMMON,
    entryPoints: { main: 'main.jsx' },
    format: 'esm',
    splitting: true,
    jsx: 'automatic',
    // Monaco imports its styles file by file; graphiql/style.css holds them all.
    loader: { '.css': 'empty' },
    define: {
      ...COMMON.define,
      EDITOR_WORKER: JSON.stringify(`./${workerFiles.editor}`),
      GRAPHQL_WORKER: JSON.stringify(`./${workerFiles.graphql}`),
      JSON_WORKER: JSON.stringify(`./${workerFiles.json}`),
    },
  });
  return { results: [workers, style, main], names: { ...written(style), ...written(main) } };
}

/** Leaves what is worth it compressed only: the server decompresses it for who can't. */
async function compressAssets() {
  for (const name of readdirSync(ASSETS)) {
    const path = join(ASSETS, name);
    const content = await readFile(path);
    if (content.length > SMALLEST_COMPRESSED_BYTES) {
      await writeFile(`${path}.gz`, gzipSync(content, { level: 9 }));
      await rm(path);
    }
  }
}

if (existsSync(DIST)) await rm(DIST, { recursive: true });
const { results, names } = await bundle();
await compressAssets();
await writeFile(join(DIST, 'LICENCES.txt'), await licences(results));
const template = await readFile('index.html', 'utf8');
const page = template.replace(/\{\{(\w+)\}\}/g, (_, name) => names[name]);
await writeFile(join(DIST, 'index.html'), page);
