// The bar above GraphiQL in which a person pastes an access token once.

import { useEffect, useState } from 'react';
import { readToken } from './token.js';

const STATES = {
  anonymous: 'Anonymous',
  signedIn: 'Signed-in requests',
  refused: 'The server refuses this token; it may have expired. Log in again.',
  unreadable: 'This is no access token.',
};

function stateOf({ token, refused, unreadable }) {
  if (unreadable) return 'unreadable';
  if (!token) return 'anonymous';
  return refused ? 'refused' : 'signedIn';
}

export function TokenBar({ token, refused, offered, onUse, onForget }) {
  const [draft, setDraft] = useState(token);
  const [shown, setShown] = useState(false);
  const [unreadable, setUnreadable] = useState(false);

  useEffect(() => {
    setDraft(token);
    setUnreadable(false);
  }, [token]);

  const use = (event) => {
    event.preventDefault();
    const read = readToken(draft);
    setUnreadable(!read);
    if (!read) return;
    setDraft(read);
    onUse(read);
  };

  const forget = () => {
    setDraft('');
    setShown(false);
    setUnreadable(false);
    onForget();
  };

  const state = stateOf({ token, refused, unreadable });
  return (
    <form className="token-bar" aria-label="Signing in" onSubmit={use}>
      <label htmlFor="access-token">Access token</label>
      <span className="token-field">
        <input
          id="access-token"
          type={shown ? 'text' : 'password'}
          value={draft}
          placeholder="Paste it here once"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          aria-describedby="token-state"
          aria-invalid={unreadable}
          onChange={(event) => {
            setDraft(event.target.value);
            setUnreadable(false);
          }}
        />
        <button
          type="button"
          className="quiet"
          aria-pressed={shown}
          aria-label="Show the token"
          onClick={() => setShown(!shown)}
        >
          {shown ? 'Hide' : 'Show'}
        </button>
      </span>
      <button type="submit" disabled={!draft.trim() || draft === token}>
        Use
      </button>
      <button type="button" disabled={!token && !draft} onClick={forget}>
        Forget
      </button>
      <output id="token-state" className={state} aria-live="polite">
        {STATES[state]}
      </output>
      {offered && (
        <button type="button" className="offer" onClick={() => onUse(offered)}>
          Use the token of this answer
        </button>
      )}
      <span className="visually-hidden" role="status">
        {offered && 'The answer holds an access token: the bar on top offers to use it.'}
      </span>
    </form>
  );
}
