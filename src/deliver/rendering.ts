// The safe HTML of submissions, kept for as long as it is often asked for: anybody may ask for a page's responses, and
// sanitising a thousand of them takes a good part of a second.
import type { Approved } from '../db/approved.ts';
import { commentHtml } from '../sanitize.ts';
import { escapeHtml } from '../text.ts';

/** The HTML of a submission as it is at its version. */
export type Rendering = (submission: Pick<Approved, 'id' | 'version' | 'kind' | 'content'>) => string;

/** Characters of HTML that are kept; what was rendered first goes first. */
const mostChars = 20_000_000;

export function createRendering(): Rendering {
  const kept = new Map<string, string>();
  let chars = 0;
  return (submission) => {
    const key = `${submission.id} ${submission.version}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const { kind, content } = submission;
    // Of a ping only plain text is kept.
    const html = kind === 'comment' ? commentHtml(content) : `<p>${escapeHtml(content)}</p>`;
    kept.set(key, html);
    chars += html.length;
    for (const [oldest, text] of kept) {
      if (chars <= mostChars) break;
      kept.delete(oldest);
      chars -= text.length;
    }
    return html;
  };
}
