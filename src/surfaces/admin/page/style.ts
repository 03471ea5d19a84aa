/** The whole look, in one file served from this listener. System fonts, two themes by the reader's own setting. */
export const STYLE = `:root {
  color-scheme: light dark;
  --paper: #fbfaf8; --card: #ffffff; --ink: #1d1f21; --quiet: #5b6066; --line: #dcdad5;
  --accent: #1f5d8c; --accent-ink: #ffffff; --bad: #a3231c; --bad-paper: #fdeeec; --good: #1f6b3b;
  --good-paper: #e9f5ec; --warn: #7a4a00; --warn-paper: #fff4dc; --mark: #6d1fa0; --mark-paper: #f4e9fb;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181a; --card: #1e2124; --ink: #e7e6e3; --quiet: #a4a9ae; --line: #363a3e;
    --accent: #86bce6; --accent-ink: #10171d; --bad: #ff9d94; --bad-paper: #3a1d1b; --good: #8fd6a6;
    --good-paper: #17301f; --warn: #f2c26b; --warn-paper: #35290f; --mark: #d9a8f7; --mark-paper: #33203f;
  }
}
* { box-sizing: border-box; }
html { font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .4rem .8rem; z-index: 2; }
.page { max-width: 70rem; margin: 0 auto; padding: 0 1.25rem 4rem; }
header.top { border-bottom: 1px solid var(--line); background: var(--card); }
header.top .page { display: flex; flex-wrap: wrap; gap: .4rem 1.5rem; align-items: baseline; padding-top: .8rem; padding-bottom: .8rem; }
header.top .name { font-weight: 650; font-size: 1.1rem; text-decoration: none; color: var(--ink); }
header.top nav { display: flex; gap: 1rem; flex: 1; }
header.top form { display: inline; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1.8rem 0 .6rem; font-weight: 620; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; font-weight: 620; }
h3 { font-size: 1.02rem; margin: 0 0 .5rem; font-weight: 620; }
h4 { font-size: .95rem; margin: 1.3rem 0 .4rem; font-weight: 620; }
p { margin: .4rem 0; max-width: 62ch; }
.quiet { color: var(--quiet); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1.1rem 1.25rem; margin: .9rem 0; }
.card-bad { border-left: 5px solid var(--bad); }
.card-warn { border-left: 5px solid var(--warn); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .35rem 1.5rem; margin: .6rem 0; }
.facts dt { color: var(--quiet); font-size: .85rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
code, pre, .mono { font-family: var(--mono); font-size: .88em; }
pre { margin: .3rem 0; padding: .7rem .8rem; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .3rem 0; }
caption { text-align: left; color: var(--quiet); font-size: .88rem; padding: .2rem 0; }
th, td { text-align: left; vertical-align: top; padding: .38rem .7rem .38rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; font-size: .86rem; color: var(--quiet); white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; min-width: 4.5rem; }
.diff td { font-family: var(--mono); font-size: .86rem; min-width: 5rem; padding: .38rem .7rem; }
.diff th { padding: .38rem .7rem; }
.diff del, .diff .gone { background: var(--bad-paper); color: var(--bad); }
.diff ins, .diff .new { background: var(--good-paper); color: var(--good); text-decoration: none; }
.tag { display: inline-block; font-size: .8rem; padding: .05rem .5rem; border-radius: 1rem; border: 1px solid var(--line); white-space: nowrap; }
.tag-bad { color: var(--bad); background: var(--bad-paper); border-color: transparent; }
.tag-warn { color: var(--warn); background: var(--warn-paper); border-color: transparent; }
.tag-good { color: var(--good); background: var(--good-paper); border-color: transparent; }
.hidden-mark, .note-mark { font-family: var(--mono); font-size: .78em; color: var(--mark); background: var(--mark-paper); border-radius: 3px; padding: 0 .25em; }
.agent-words { margin: .9rem 0; padding: .6rem .9rem; border: 1px dashed var(--warn); border-radius: 6px; background: var(--warn-paper); }
.agent-words figcaption { font-size: .85rem; color: var(--warn); }
.agent-words blockquote { margin: .3rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
form.row { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; margin: .8rem 0 0; }
label { display: block; font-size: .88rem; color: var(--quiet); }
input, select, button, textarea { font: inherit; color: inherit; }
input[type=text], input[type=password], select { display: block; background: var(--card); border: 1px solid var(--quiet); border-radius: 5px; padding: .4rem .6rem; min-width: 15rem; max-width: 100%; }
button { border: 1px solid var(--quiet); background: var(--card); border-radius: 5px; padding: .42rem 1rem; cursor: pointer; }
button.main { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
button.stop { background: var(--bad); border-color: var(--bad); color: var(--paper); }
button.link { border: 0; background: none; padding: 0; color: var(--accent); text-decoration: underline; }
.alert { border-radius: 6px; padding: .7rem 1rem; margin: 1rem 0; background: var(--bad-paper); color: var(--bad); }
.said { background: var(--good-paper); color: var(--good); }
.warned { background: var(--warn-paper); color: var(--warn); }
ol.timeline { list-style: none; padding: 0; margin: .6rem 0; }
ol.timeline > li { border-left: 2px solid var(--line); padding: 0 0 1.1rem 1.1rem; position: relative; }
ol.timeline > li::before { content: ""; position: absolute; left: -5px; top: .55rem; width: 8px; height: 8px; border-radius: 50%; background: var(--quiet); }
ol.timeline > li.is-bad::before { background: var(--bad); }
ol.timeline > li.is-good::before { background: var(--good); }
ol.timeline > li.is-warn::before { background: var(--warn); }
ul.verdicts { margin: .3rem 0; padding-left: 1.1rem; }
details summary { cursor: pointer; color: var(--accent); }
footer { color: var(--quiet); font-size: .85rem; margin-top: 3rem; }
@media (max-width: 40rem) { input[type=text], input[type=password], select { min-width: 0; width: 100%; } form.row > div { width: 100%; } }
@media print { form, nav, .skip { display: none; } }
`;
