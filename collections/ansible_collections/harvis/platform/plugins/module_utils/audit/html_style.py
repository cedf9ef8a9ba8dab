"""Style of the audit's section; colours come from the report's page."""

from __future__ import annotations

STYLE = """
:root { --warn: #7a4d00; --warn-bg: #fbeed3; --line-on: #1558b0; }
@media (prefers-color-scheme: dark) { :root { --warn: #f2c46d; --warn-bg: #3d2f10; --line-on: #8ab8ff; } }
.audit .caution { color: var(--warn); background: var(--warn-bg); }
.audit .quiet { color: var(--dim); background: var(--line); }
.audit .tools { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; margin: 1rem 0 .5rem; }
.audit input[type=search] { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: .3rem; padding: .2rem .5rem; min-width: 18rem; }
.audit .said { padding: .5rem .8rem; min-height: 3.6rem; overflow-wrap: anywhere; }
.audit .map { display: grid; grid-template-columns: minmax(15rem, 5fr) minmax(3rem, 2fr) minmax(17rem, 6fr);
  height: min(44rem, 80vh); margin-top: .5rem; overflow-x: auto; overflow-y: hidden; }
.audit .values, .audit .objects { overflow-y: auto; padding: .5rem; }
.audit svg { width: 100%; height: 100%; display: block; }
.audit path { fill: none; stroke: var(--dim); opacity: .3; }
.audit path.on { stroke: var(--line-on); opacity: .9; stroke-width: 1.5; }
.audit h3 { font-size: .85rem; margin: .7rem 0 .2rem; color: var(--dim); overflow-wrap: anywhere; }
.audit h3:first-child { margin-top: 0; }
.audit .map button { display: block; width: 100%; text-align: left; color: inherit;
  font: .82em/1.35 ui-monospace, monospace; background: none; border: 1px solid transparent; border-radius: .3rem;
  padding: .1rem .4rem; cursor: pointer;
  overflow-wrap: anywhere; }
.audit .map button:hover { border-color: var(--line); }
.audit .map button:focus-visible { outline: 2px solid var(--link); outline-offset: -2px; }
.audit .map button.on { background: var(--line-on); color: var(--card); }
.audit .map.chosen button:not(.on) { opacity: .45; }
.audit .map .mark { font-size: .72rem; margin-left: .4rem; }
.audit [hidden] { display: none; }
@media (max-width: 46rem) { .audit .map { grid-template-columns: 1fr; height: auto; } .audit .map svg { display: none; }
  .audit .values, .audit .objects { max-height: 50vh; border-top: 1px solid var(--line); } }
@media (prefers-contrast: more) { .audit path { opacity: .5; } }
"""
