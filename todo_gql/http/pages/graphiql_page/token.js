// The access token that GraphiQL sends: read from what a person pasted, kept in this browser.

const KEY = 'todo_gql.accessToken';

/** The token in pasted text, without "Authorization:", "Bearer", quotes; '' if there is none. */
export function readToken(text) {
  const bare = text
    .trim()
    .replace(/^["']?(authorization|access_?token)["']?\s*[:=]\s*/i, '')
    .replace(/[,;]$/, '')
    .replace(/^["'`]+|["'`]+$/g, '')
    .replace(/^bearer\s+/i, '')
    .replace(/^["'`]+|["'`]+$/g, '')
    .trim();
  return /^[A-Za-z0-9._~+/-]+=*$/.test(bare) ? bare : '';
}

/** The first string called accessToken anywhere in an answer's data; '' if there is none. */
export function findAccessToken(value) {
  if (value === null || typeof value !== 'object') return '';
  if (typeof value.accessToken === 'string') return value.accessToken;
  for (const child of Object.values(value)) {
    const found = findAccessToken(child);
    if (found) return found;
  }
  return '';
}

export const storedToken = () => localStorage.getItem(KEY) ?? '';

export function storeToken(token) {
  if (token) localStorage.setItem(KEY, token);
  else localStorage.removeItem(KEY);
}

/** Calls back with the token whenever another tab of this browser changes it. */
export function onTokenOfOtherTab(callback) {
  const listener = (event) => {
    if (event.key === KEY || event.key === null) callback(storedToken());
  };
  window.addEventListener('storage', listener);
  return () => window.removeEventListener('storage', listener);
}
