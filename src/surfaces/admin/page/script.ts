/**
 * Everything the page does by script: ask every two seconds whether something moved, and load anew when nobody is
 * in the middle of something. While a form is in use or the pointer just moved it only says so, so that no button
 * changes its meaning under a hand. Without it the page works by its links.
 */
export const SCRIPT = `'use strict';
(() => {
  const body = document.body;
  const pulse = body.dataset.pulse;
  const notice = document.getElementById('moved');
  if (!pulse || !notice) return;
  let touched = 0;
  let failed = 0;
  const touch = () => { touched = Date.now(); };
  for (const kind of ['pointermove', 'pointerdown', 'keydown', 'scroll', 'input'])
    addEventListener(kind, touch, { passive: true });
  const busy = () => {
    if (Date.now() - touched < 3000) return true;
    for (const field of document.querySelectorAll('input[type=text], input[type=password]'))
      if (field.value !== field.defaultValue) return true;
    return document.activeElement instanceof HTMLInputElement;
  };
  const look = async () => {
    try {
      const answer = await fetch('/pulse', { credentials: 'same-origin', cache: 'no-store' });
      if (answer.status === 401) { location.reload(); return; }
      const now = await answer.json();
      failed = 0;
      if (now.pulse !== pulse) {
        if (!busy()) { location.reload(); return; }
        notice.hidden = false;
      }
    } catch {
      failed += 1;
      if (failed === 3) {
        notice.hidden = false;
        notice.textContent = 'Signalbox does not answer. What you see may be old.';
      }
    }
    setTimeout(look, document.hidden ? 15000 : 2000);
  };
  setTimeout(look, 2000);
})();
`;
