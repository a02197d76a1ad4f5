// Mentions in comments: people read and type “@anna”, and the server is sent @[anna](user:UUID).
import type { PersonFragment as Person } from './__generated__/graphql';

/** A mention as it is stored. */
export const MENTION = /@\[((?:[^[\]\\\n]|\\.)*)\]\(user:([\da-f-]{36})\)/i;

/** Blocks and spans of code, in which an @ is nothing but a character. */
const CODE = /(^ {0,3}(`{3,}|~{3,})[^]*?(?:^ {0,3}\2|$(?![^]))|(`+)[^`](?:[^]*?[^`])?\3(?!`))/m;

/** A text as it is typed in the form it is stored in: “@name” of a member becomes a mention. */
export function withMentions(typed: string, members: readonly Person[]): string {
  if (members.length === 0) return typed;
  const ids = new Map(members.map(({ id, username }) => [username.toLowerCase(), id]));
  // The longest first, so that “@anna.b” doesn't mention anna.
  const names = [...ids.keys()].sort((one, other) => other.length - one.length);
  const at = new RegExp(`(?<![\\w@\\\\.-])@(${names.map(escaped).join('|')})(?![\\w-]|\\.\\w)`, 'gi');
  return outsideCode(typed, (text) =>
    text.replace(at, (_, name: string) => `@[${name}](user:${ids.get(name.toLowerCase())})`),
  );
}

/** A stored text as it is typed. */
export function withNames(body: string): string {
  const all = new RegExp(MENTION.source, 'gi');
  return outsideCode(body, (text) => text.replace(all, (_, name: string) => `@${plain(name)}`));
}

/** The name of a mention without its backslashes. */
export function plain(name: string): string {
  return name.replace(/\\(.)/g, '$1');
}

/** What is typed of a name at the end of a text; undefined where no name is being typed. */
export function nameTyped(before: string): string | undefined {
  return /(?:^|[\s(])@([\w.-]*)$/.exec(before)?.[1];
}

function outsideCode(text: string, change: (text: string) => string): string {
  let changed = '';
  let rest = text;
  for (let code = CODE.exec(rest); code; code = CODE.exec(rest)) {
    changed += change(rest.slice(0, code.index)) + code[0];
    rest = rest.slice(code.index + code[0].length);
  }
  return changed + change(rest);
}

function escaped(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
