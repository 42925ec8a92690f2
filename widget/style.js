/**
 * The look. Lives in the shadow tree as a constructed sheet, which a page's strict `style-src` allows. The host page
 * sets `--handrail-accent`, `--handrail-on-accent`, `--handrail-font` and `--handrail-z` on `handrail-chat`.
 */
export const CSS = `
:host {
  --accent: var(--handrail-accent, #0b5fff);
  --on-accent: var(--handrail-on-accent, #fff);
  --paper: #fff;
  --ink: #16191d;
  --faint: #59616b;
  --line: #d5dae0;
  --soft: #f1f3f6;
  --warn: #8a4b00;
  --warn-paper: #fff4e0;
  --bad: #b3261e;
  --link: #0b4fd6;
  color-scheme: light dark;
  position: fixed;
  inset-block-end: 20px;
  inset-inline-end: 20px;
  z-index: var(--handrail-z, 2147483000);
  font: 15px/1.45 var(--handrail-font, system-ui, sans-serif);
  color: var(--ink);
  text-align: start;
}
@media (prefers-color-scheme: dark) {
  :host {
    --accent: var(--handrail-accent, #7aa7ff);
    --on-accent: var(--handrail-on-accent, #0a1730);
    --paper: #1a1d21;
    --ink: #eceff3;
    --faint: #a7b0bb;
    --line: #3a4048;
    --soft: #272b31;
    --warn: #ffc978;
    --warn-paper: #3a2a10;
    --bad: #ffb4ab;
    --link: #9dbdff;
  }
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
h2, p, ul, ol, pre, form { margin: 0; }
button, input, textarea { font: inherit; color: inherit; }
button { min-height: 44px; min-width: 44px; padding: 0 14px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--paper); cursor: pointer; }
button:hover { background: var(--soft); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--link); }
::placeholder { color: var(--faint); opacity: 1; }
.launcher { display: grid; place-items: center; width: 60px; height: 60px; padding: 0; border: 0; border-radius: 50%;
  background: var(--accent); color: var(--on-accent); box-shadow: 0 4px 16px #0004; position: relative; }
.launcher:hover, .solid:hover { background: var(--accent); filter: brightness(1.08); }
.launcher:focus-visible { outline: 3px solid var(--paper); box-shadow: 0 0 0 6px var(--accent); }
.badge { position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-width: 24px; padding: 0 6px;
  border-radius: 12px; background: #b3261e; color: #fff; font-size: 13px; line-height: 24px; font-weight: 600; }
.panel { display: flex; flex-direction: column; position: fixed; inset-block-end: 92px; inset-inline-end: 20px;
  width: 384px; height: min(640px, 100dvh - 112px); background: var(--paper); border: 1px solid var(--line);
  border-radius: 16px; box-shadow: 0 12px 40px #0003; overflow: hidden; animation: rise .16s ease-out; }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
header { display: flex; align-items: center; gap: 8px; padding: 10px 10px 10px 16px;
  border-block-end: 1px solid var(--line); }
header div { flex: 1; min-width: 0; }
h2 { font-size: 16px; line-height: 1.3; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.who { font-size: 13px; color: var(--faint); overflow-wrap: anywhere; }
.person { font-size: 14px; padding: 0 12px; }
.x { border: 0; padding: 0; background: none; font-size: 24px; line-height: 1; }
.banner { padding: 8px 16px; font-size: 14px; background: var(--warn-paper); color: var(--warn); }
.scroll { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 16px; }
.scroll:focus-visible { outline-offset: -3px; }
.disclosure { font-size: 13px; color: var(--faint); padding: 10px 12px; border: 1px solid var(--line);
  border-radius: 10px; margin-block-end: 14px; }
.log, .log > *, .draft { display: flex; flex-direction: column; gap: 4px; }
.log { gap: 14px; }
.log > *, .draft { align-items: flex-start; max-width: 100%; }
.log > .mine { align-items: flex-end; }
.log > .change { align-items: center; color: var(--faint); font-size: 13px; text-align: center; }
.scroll > .draft { margin-block-start: 14px; }
.scroll > .draft > * { margin-block-start: 0; }
.meta { font-size: 12px; color: var(--faint); }
.warn { color: var(--bad); }
.text { max-width: 100%; padding: 10px 14px; border-radius: 14px; background: var(--soft); overflow-wrap: anywhere; }
.mine .text { max-width: 88%; background: var(--accent); color: var(--on-accent); white-space: pre-wrap; }
.plain { white-space: pre-wrap; }
.gone { font-style: italic; color: var(--faint); background: none !important; border: 1px dashed var(--line); }
.text > * + *, .text li > * + * { margin-block-start: 8px; }
.text ul, .text ol { padding-inline-start: 22px; }
.text li + li { margin-block-start: 4px; }
.hedged > :first-child { font-size: 13px; color: var(--faint); }
code { font: .92em/1.4 ui-monospace, monospace; background: #8883; border-radius: 4px; padding: .1em .3em; }
pre { overflow-x: auto; padding: 10px; border-radius: 8px; background: #8882; }
pre code { padding: 0; background: none; }
.sources { font-size: 13px; color: var(--faint); padding: 0 2px; }
.sources ul { list-style: none; padding: 0; }
.sources a { display: inline-block; padding: 4px 0; overflow-wrap: anywhere; }
.scroll > div > * { margin-block-start: 14px; }
.scroll > .log > *, .scroll > div > :empty { margin-block-start: 0; }
.row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; font-size: 13px; color: var(--faint); }
.row button { font-size: 14px; color: var(--ink); border-radius: 22px; }
.row .chip { border-color: var(--accent); color: var(--link); text-align: start; padding-block: 8px; }
.row .card { width: 100%; padding: 8px 14px; border-radius: 10px; text-align: start; overflow-wrap: anywhere; }
.card span { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; font-size: 13px;
  color: var(--faint); }
.dots { display: inline-flex; gap: 4px; padding-block: 6px; }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--faint); animation: blink 1.2s infinite; }
.dots i:nth-child(2) { animation-delay: .2s; }
.dots i:nth-child(3) { animation-delay: .4s; }
@keyframes blink { 50% { opacity: .25; } }
.box { padding: 12px; border: 1px solid var(--line); border-radius: 12px; display: grid;
  gap: 10px; font-size: 14px; }
.box label { display: grid; gap: 4px; }
.box input { min-height: 44px; padding: 0 12px; border: 1px solid var(--faint); border-radius: 8px;
  background: var(--paper); font-size: 16px; width: 100%; }
.wide { width: 100%; }
.solid { background: var(--accent); color: var(--on-accent); border-color: transparent; font-weight: 600; }
.composer { display: flex; flex-wrap: wrap; gap: 8px; align-items: flex-end; padding: 10px 12px;
  border-block-start: 1px solid var(--line); }
textarea { flex: 1; min-width: 0; min-height: 44px; max-height: 140px; padding: 10px 12px; resize: none;
  border: 1px solid var(--faint); border-radius: 10px; background: var(--paper); font-size: 16px; line-height: 22px; }
.counter { flex-basis: 100%; font-size: 13px; color: var(--faint); }
.over { color: var(--bad); font-weight: 600; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 480px) {
  .panel { inset: 0; width: auto; height: auto; border: 0; border-radius: 0; }
  :host([open]) .launcher { display: none; }
}
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { animation: none !important; }
}
@media (forced-colors: active) {
  .text, .launcher, .solid, .badge { border: 1px solid; }
  .dots i { background: CanvasText; }
}
@media print {
  :host { display: none; }
}
`;
