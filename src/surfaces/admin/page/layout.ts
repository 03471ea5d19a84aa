import type { Visitor } from '../guard.ts';
import { type Content, type Html, html } from '../html.ts';

export interface Page {
  readonly title: string;
  /** Null before anybody is logged in. */
  readonly visitor: Visitor | null;
  readonly main: Content;
  /** Digest of what is shown; the page watches it. Absent on pages that must not move. */
  readonly pulse?: string;
}

/** A whole document. No inline script or style: the policy of this listener allows none. */
export function documentOf({ title, visitor, main, pulse }: Page): string {
  return `<!doctype html>\n${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Signalbox</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
${pulse === undefined ? null : html`<script src="/page.js" defer></script>`}
</head>
<body${pulse === undefined ? null : html` data-pulse="${pulse}"`}>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div class="page">
<a class="name" href="/">Signalbox</a>
${visitor === null ? null : menu(visitor)}
</div></header>
<main id="main" class="page" tabindex="-1">
${
  pulse === undefined
    ? null
    : html`<p id="moved" class="alert warned" role="status" hidden>Something has moved since this was loaded. <a href="">Load it again</a></p>
<noscript><p class="quiet">This page does not refresh by itself without scripts. <a href="">Load it again</a></p></noscript>`
}
${main}
</main>
</body>
</html>`}\n`;
}

function menu({ operator, csrf }: Visitor): Html {
  return html`<nav aria-label="Pages"><a href="/#asks">Approvals</a><a href="/#runs">Runs</a><a href="/#halt">Halt</a></nav>
<form method="post" action="/logout"><span class="quiet">${operator.name} (${operator.role})</span>
${csrfField(csrf)}<button class="link">Log out</button></form>`;
}

export function csrfField(csrf: string | null): Html | null {
  return csrf === null ? null : html`<input type="hidden" name="csrf" value="${csrf}">`;
}

export function alert(text: Content): Html {
  return html`<p class="alert" role="alert">${text}</p>`;
}
