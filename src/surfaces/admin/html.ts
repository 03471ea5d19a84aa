/**
 * Markup that escapes by default: whatever is put between `${}` is text, unless it is markup made here.
 * There is no way to pass a string through unescaped; fixed markup is written in the template itself.
 */
export class Html {
  readonly #markup: string;

  constructor(key: typeof MADE_HERE, markup: string) {
    if (key !== MADE_HERE) throw new TypeError('markup is only made by the `html` template');
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

const MADE_HERE = Symbol('made by the html template');

export type Content = Html | string | number | null | undefined | false | readonly Content[];

export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  let markup = parts[0] ?? '';
  values.forEach((value, index) => {
    markup += rendered(value) + (parts[index + 1] ?? '');
  });
  return new Html(MADE_HERE, markup);
}

function rendered(value: Content): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
  return value.map(rendered).join('');
}

const ENTITIES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Safe in element content and in quoted attributes, which are the only places templates here put values. */
function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '');
}
