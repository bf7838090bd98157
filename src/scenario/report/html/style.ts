/** The look of the report: one column, system fonts, light and dark, readable on a phone and on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d2126; --soft: #5c6570; --line: #e2dfd8; --code: #f1efe9;
  --good: #1c7c4c; --good-paper: #e5f3ea; --bad: #b3261e; --bad-paper: #fbe9e7; --warn: #8a5a00; --warn-paper: #fbf0d9;
  --accent: #2c5f8a;
  --v0: #5b83ad; --v1: #e08e45; --v2: #3f9a76; --v3: #8d6bb0; --v4: #c2577c; --v5: #57a3b3; --v6: #a98f3c; --v7: #7b8794;
  --updating: #b7c4d4; --restarting: #d5dbe3; --offline: #8f98a3; --off: #565e69; --impostor: #3b2f45; --bricked: #d0342a;
  --hatch: rgba(255,255,255,.5);
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1c2024; --ink: #e7e9ea; --soft: #9aa4ae; --line: #31373d; --code: #262b30;
    --good: #6fcf97; --good-paper: #17301f; --bad: #ff8a80; --bad-paper: #3a1b19; --warn: #f0c36a; --warn-paper: #352a12;
    --accent: #8ab8e0;
    --v0: #6d96c2; --v1: #d98a45; --v2: #45a37d; --v3: #9a7cc0; --v4: #cf6a8e; --v5: #5fb0c0; --v6: #b89d48; --v7: #8794a1;
    --updating: #55626f; --restarting: #414a54; --offline: #6a737d; --off: #2b3036; --impostor: #c9a8e0; --bricked: #ff5a4d;
    --hatch: rgba(0,0,0,.38);
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 56px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 16px; margin: 0 0 12px; letter-spacing: .01em; }
h3 { font-size: 14px; margin: 18px 0 6px; }
p { margin: 6px 0; }
header { display: grid; gap: 10px; margin-bottom: 22px; }
.headline { display: flex; flex-wrap: wrap; align-items: center; gap: 12px; }
.verdict { font-weight: 700; font-size: 13px; letter-spacing: .08em; padding: 5px 12px; border-radius: 99px; }
.passed .verdict { background: var(--good-paper); color: var(--good); }
.failed .verdict { background: var(--bad-paper); color: var(--bad); }
.lead { color: var(--soft); max-width: 75ch; }
.failure { border-left: 4px solid var(--bad); background: var(--bad-paper); padding: 12px 16px; border-radius: 0 8px 8px 0; }
.failure p { overflow-wrap: anywhere; }
code, pre { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
code { background: var(--code); padding: 1px 5px; border-radius: 4px; overflow-wrap: anywhere; }
pre { background: var(--code); padding: 10px 12px; border-radius: 8px; margin: 8px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
dl.meta { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 0; color: var(--soft); font-size: 13px; }
dl.meta div { display: flex; gap: 6px; }
dl.meta dd { margin: 0; color: var(--ink); overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; margin: 0 0 16px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 12px; margin: 0 0 16px; padding: 0; list-style: none; }
.figures li { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 14px; }
.figures b { display: block; font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
.figures span { color: var(--soft); font-size: 13px; }
.figures .bad b { color: var(--bad); }
.plot { overflow-x: auto; border-radius: 6px; }
.plot:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
.plot svg { display: block; width: 100%; min-width: 720px; height: auto; font: 11.5px system-ui, sans-serif; }
.grid { stroke: var(--line); stroke-width: 1; }
.tick { fill: var(--soft); font-variant-numeric: tabular-nums; }
.mark { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 2 4; opacity: .45; }
.cursor { stroke: var(--ink); stroke-width: 1; }
.hatch { fill: var(--hatch); }
.band { fill: var(--warn); opacity: .1; }
.bar.good { fill: var(--good); } .bar.bad { fill: var(--bad); } .bar.open { fill: var(--accent); } .bar.fault { fill: var(--warn); }
.lane { fill: var(--soft); font-weight: 600; }
.bar-text { fill: var(--card); font-size: 11px; font-weight: 600; }
.when { color: var(--soft); font-size: 13px; margin: 12px 0 4px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 0; font-size: 13px; }
.legend .none { opacity: .5; }
.legend b { font-variant-numeric: tabular-nums; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
.swatch.hatched { background-image: repeating-linear-gradient(45deg, var(--hatch) 0 2px, transparent 2px 5px) !important; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 12.5px; padding: 4px 14px 6px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.nowrap { white-space: nowrap; }
td small { color: var(--soft); display: block; font-size: 12.5px; }
.tag { font-size: 12px; font-weight: 600; padding: 1px 8px; border-radius: 99px; white-space: nowrap; background: var(--code); color: var(--soft); }
.tag.good { background: var(--good-paper); color: var(--good); }
.tag.bad { background: var(--bad-paper); color: var(--bad); }
.tag.warning { background: var(--warn-paper); color: var(--warn); }
.timeline { list-style: none; margin: 0; padding: 0; }
.timeline li { display: grid; grid-template-columns: 66px 14px 1fr; gap: 8px; padding: 3px 0; font-size: 14px; }
.timeline time { color: var(--soft); text-align: right; font-variant-numeric: tabular-nums; font-size: 13px; }
.timeline .dot { width: 9px; height: 9px; border-radius: 50%; margin-top: 7px; background: var(--offline); }
.timeline .good .dot { background: var(--good); } .timeline .bad .dot { background: var(--bad); } .timeline .warning .dot { background: var(--warn); }
.timeline .bad p { color: var(--bad); font-weight: 600; }
.timeline p { margin: 0; overflow-wrap: anywhere; }
.meter { display: block; height: 8px; border-radius: 4px; background: var(--accent); min-width: 2px; }
.meter.good { background: var(--good); } .meter.bad { background: var(--bad); } .meter.warning { background: var(--warn); }
details summary { cursor: pointer; color: var(--accent); font-size: 14px; }
footer { color: var(--soft); font-size: 13px; margin-top: 24px; }
@media (max-width: 640px) { main { padding: 18px 12px 40px; } section { padding: 14px; } .timeline li { grid-template-columns: 52px 12px 1fr; } }
@media print { section { break-inside: avoid; } body { background: #fff; } }
`;
