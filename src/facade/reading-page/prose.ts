import { html, type Html } from './html.ts';

/** Sentences with the little markup that descriptions have: paragraphs, **strong** and `code`. */
export const prose = (text: string | undefined): Html | undefined =>
  text === undefined || text === ''
    ? undefined
    : html`${text.split(/\n\n+/).map((paragraph) => html`<p>${inline(paragraph)}</p>`)}`;

export const inline = (text: string): readonly Html[] =>
  text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
    if (/^\*\*[^*]+\*\*$/.test(part)) return html`<strong>${part.slice(2, -2)}</strong>`;
    if (/^`[^`]+`$/.test(part)) return html`<code>${part.slice(1, -1)}</code>`;
    return html`${part}`;
  });
