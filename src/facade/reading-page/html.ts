/** Markup, as opposed to text: whatever else is put into markup is escaped. */
export interface Html {
  readonly html: string;
}

type Part = Html | string | number | undefined | readonly (Html | undefined)[];

/** A template of markup: html`<p>${text}</p>`. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: strings.map((text, index) => text + markup(parts[index])).join(''),
});

export const nothing: Html = { html: '' };

const markup = (part: Part): string => {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escape(String(part));
  return 'html' in part ? part.html : part.map((one) => one?.html ?? '').join('');
};

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
