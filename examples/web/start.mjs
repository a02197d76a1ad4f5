// Starts a server as `make serve` does, or takes one that runs already, and the page before it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createLogger, createServer } from 'vite';

const ROOT = `${import.meta.dirname}/../..`;
const { HOST = '127.0.0.1', PORT = '8000', TODO_URL } = process.env;

async function isServer(address) {
  try {
    const answer = await fetch(address, { headers: { accept: 'application/json' } });
    return (await answer.json()).name === 'todo_gql';
  } catch {
    return false;
  }
}

/** Starts a server, whose end is the end of all, and gives its address once it answers. */
async function startServer() {
  // In a process group of its own, so that Ctrl-C reaches it once: from here.
  const options = { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'inherit'] };
  const server = spawn('.venv/bin/todo-gql', ['serve'], options);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => server.kill(signal));
  }
  const lines = createInterface({ input: server.stdout });
  void once(server, 'exit').then(([status]) => process.exit(status ?? 1));
  return new Promise((resolve) => {
    let address;
    lines.on('line', (line) => {
      address ??= /Graphi?QL +(\S+)\/graphql/.exec(line)?.[1];
      if (line.startsWith('Stop it')) resolve(address);
      else console.log(line);
    });
  });
}

async function findServer() {
  const address = TODO_URL ?? `http://${HOST}:${PORT}`;
  if (await isServer(address)) {
    console.log(`A server runs already, and is used: ${address}`);
    return address;
  }
  if (!TODO_URL) return startServer();
  console.error(`No todo_gql answers at ${address}.`);
  return process.exit(1);
}

process.env.TODO_URL = await findServer();
const customLogger = createLogger('warn');
const { error } = customLogger;
// Tabs come and go, and so may the server, which the page itself says.
customLogger.error = (message, options) => message.includes('proxy') || error(message, options);
const page = await createServer({ root: import.meta.dirname, customLogger });
await page.listen();
console.log(`  Page       ${page.resolvedUrls.local[0]}\nStop it with Ctrl-C.`);
