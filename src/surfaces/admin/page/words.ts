import { type Content, type Html, html } from '../html.ts';
import { mixesAlphabets, reveal } from '../reveal.ts';

/** Text as it is, with every character that cannot be seen marked. Nothing is cut. */
export function shown(text: string, keepLines = false): Html {
  const pieces = reveal(text, keepLines).map((piece) =>
    'text' in piece
      ? html`${piece.text}`
      : html`<span class="hidden-mark" title="${piece.name}">${piece.hidden}</span>`,
  );
  return html`${pieces}${
    mixesAlphabets(text)
      ? html` <span class="note-mark">mixes letters of several alphabets</span>`
      : null
  }`;
}

/** What an agent wrote: set apart, quoted, and named as its word. */
export function agentWords(label: string, text: string | null): Html {
  return html`<figure class="agent-words">
<figcaption>${label} <strong>(the agent’s words, not checked)</strong></figcaption>
<blockquote>${text === null ? html`<em>erased</em>` : shown(text, true)}</blockquote>
</figure>`;
}

export function when(at: number, now: number): Html {
  const iso = new Date(at).toISOString();
  const minute = `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
  return html`<time datetime="${iso}" title="${minute}">${minute} <span class="quiet">(${relative(at, now)})</span></time>`;
}

/** For rows where a whole date would be too much; the full time is in the title. */
export function ago(at: number, now: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${relative(at, now)}</time>`;
}

function relative(at: number, now: number): string {
  const away = Math.abs(at - now);
  const text =
    away < 60_000
      ? `${Math.round(away / 1_000)} s`
      : away < 5_400_000
        ? `${Math.round(away / 60_000)} min`
        : away < 129_600_000
          ? `${Math.round(away / 3_600_000)} h`
          : `${Math.round(away / 86_400_000)} d`;
  return at > now ? `in ${text}` : `${text} ago`;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Name and value pairs as a definition list; pairs without a value are left out. */
/** Who acts for whom, nearest first; null for a run that nobody began under another. */
export function chainOf(
  actsFor: readonly { readonly run: string; readonly agent: string }[],
): Html | null {
  if (actsFor.length === 0) return null;
  return html`${actsFor.map(
    ({ run, agent }, index) =>
      html`${index === 0 ? '' : ', who acts for '}${code(agent)} (<a href="/runs/${encodeURIComponent(run)}">${run}</a>)`,
  )}`;
}

export function facts(pairs: readonly (readonly [name: string, value: Content])[]): Html {
  return html`<dl class="facts">${pairs
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export function code(text: string): Html {
  return html`<code>${shown(text)}</code>`;
}

export function tag(text: string, kind: 'plain' | 'warn' | 'bad' | 'good' = 'plain'): Html {
  return html`<span class="tag tag-${kind}">${text}</span>`;
}
