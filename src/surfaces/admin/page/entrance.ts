import { type Html, html } from '../html.ts';
import { alert } from './layout.ts';

/** Pages for somebody who is not known yet. They say nothing about what is inside. */

export function loginPage(problem: string | null): Html {
  return html`<h1>Log in</h1>
${problem === null ? null : alert(problem)}
<div class="card"><form class="row" method="post" action="/login">
<div><label for="key">Operator key</label>
<input type="password" id="key" name="key" required autofocus autocomplete="current-password"></div>
<button class="main">Log in</button></form>
<p class="quiet">You got your key when you used your setup code. An owner makes codes for others with <code>signalbox operator invite</code>.
Have a code? <a href="/setup">Use it</a>.</p></div>`;
}

export function setupPage(problem: string | null, name: string): Html {
  return html`<h1>Use a setup code</h1>
${problem === null ? null : alert(problem)}
<div class="card"><p>The first code is printed by <code>signalbox up</code> in its own terminal. It works once, for ten minutes.</p>
<form class="row" method="post" action="/setup">
<div><label for="code">Setup code</label>
<input type="password" id="code" name="code" required autofocus autocomplete="one-time-code"></div>
<div><label for="name">Your name (kept with everything you answer)</label>
<input type="text" id="name" name="name" required maxlength="80" value="${name}" autocomplete="username"></div>
<button class="main">Continue</button></form></div>`;
}

/** The only time the key is shown. */
export function keyPage(name: string, key: string): Html {
  return html`<h1>Welcome, ${name}</h1>
<div class="card card-warn"><p><strong>This is your operator key. It is shown once.</strong> Keep it where you keep passwords.</p>
<pre>${key}</pre>
<p>For the commands: <code>signalbox login --key-stdin</code> and paste it.</p>
<p><a href="/">Go on to the console</a></p></div>`;
}
