import { defineConfig } from 'vite';

// The page and the server share an address, so that neither needs to know of the other's: where
// they don't, the server's BACKEND_CORS_ORIGINS has to name the page's.
const target = process.env['TODO_URL'] ?? 'http://127.0.0.1:8000';
const proxy = {
  '/graphql': { target, ws: true },
  // Files of todos, imports and exports, where the server stores them itself.
  '/files': { target },
  // Links of mails, where the server's PUBLIC_URL names the page; invitations are the page's own.
  '^/(account/(verify|email|reset)|unsubscribe)': { target },
};

// Scripts of others could read the tokens.
const headers = { 'Content-Security-Policy': "default-src 'self'; img-src 'self' data:" };

export default defineConfig({
  server: { host: '127.0.0.1', proxy },
  preview: { host: '127.0.0.1', proxy, headers },
});
