// Markdown of other people as HTML that can do no harm: marked writes it, and DOMPurify lets through only
// what stands in these lists, whatever marked has written.
import DOMPurify from 'dompurify';
import { Marked } from 'marked';
import type { PersonFragment as Person } from './__generated__/graphql';
import { MENTION, plain } from './mentions';

const TAGS = ['p', 'br', 'em', 'strong', 'del', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'a', 'hr', 'span'];
const ATTRIBUTES = ['href', 'class', 'start'];
const WEB_OR_MAIL = /^(?:https?|mailto):/i;
const AT_START = new RegExp(`^${MENTION.source}`, 'i');

// The page of the link learns nothing of this one, and can't change it.
DOMPurify.addHook('afterSanitizeAttributes', (element) => {
  if (element.tagName !== 'A') return;
  element.setAttribute('rel', 'noopener noreferrer nofollow');
  element.setAttribute('target', '_blank');
});

/** A comment's body as safe HTML; those whom it mentions by the names that they have now. */
export function htmlOf(body: string, mentioned: readonly Person[]): string {
  const names = new Map(mentioned.map(({ id, username }) => [id, username]));
  const marked = new Marked({ gfm: true, breaks: true }).use({
    renderer: {
      // Headings would get between those of the page, and pictures would tell their servers who reads.
      heading({ tokens }) {
        return `<p><strong>${this.parser.parseInline(tokens)}</strong></p>`;
      },
      image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
      html: ({ text }) => escaped(text),
      checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
      table: ({ raw }) => `<pre>${escaped(raw)}</pre>`,
    },
    extensions: [
      {
        name: 'mention',
        level: 'inline',
        start: (source) => source.indexOf('@['),
        tokenizer(source) {
          const match = AT_START.exec(source);
          if (!match) return undefined;
          const [raw, name = '', id = ''] = match;
          return { type: 'mention', raw, name, id };
        },
        // A name that is typed proves nothing: who is no member any more is only text.
        renderer({ name, id }) {
          const known = names.get(String(id).toLowerCase());
          if (known === undefined) return escaped(`@${plain(String(name))}`);
          return `<span class="mention">@${escaped(known)}</span>`;
        },
      },
    ],
  });
  return DOMPurify.sanitize(marked.parse(body, { async: false }), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOWED_URI_REGEXP: WEB_OR_MAIL,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}

function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? '');
}
