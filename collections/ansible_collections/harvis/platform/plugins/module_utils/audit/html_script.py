"""Script of the audit's section: draws the map and lets a person walk it by mouse and keyboard."""

from __future__ import annotations

SCRIPT = """
"use strict";
for (const section of document.querySelectorAll("section.audit")) {
  const source = section.querySelector("script[type='application/json']");
  if (source) draw(section, JSON.parse(source.textContent));
}

function draw(section, data) {
  const map = section.querySelector(".map"), svg = map.querySelector("svg"), said = section.querySelector(".said");
  const panes = [map.querySelector(".values"), map.querySelector(".objects")];
  const [values, fields] = fill(panes, data);
  const idle = said.textContent;
  const findings = key => data.findings.filter(f => f.leaf === key || f.object + ":" + f.field === key);

  function choose(node) {
    for (const other of map.querySelectorAll("button.on")) other.classList.remove("on");
    map.classList.toggle("chosen", Boolean(node));
    if (node) {
      for (const one of [node.button, ...node.links.map(link => link.button)]) one.classList.add("on");
      const far = node.links.find(link => !link.button.hidden);
      if (far && !inView(far.button)) center(far.button);
      said.textContent = [tell(node), ...findings(node.key).map(f => f.code + ": " + f.cause)].join(" — ");
    } else said.textContent = idle;
    redraw();
  }

  function redraw() {
    const box = svg.getBoundingClientRect();
    svg.setAttribute("viewBox", `0 0 ${box.width || 1} ${box.height || 1}`);
    const chosen = map.classList.contains("chosen"), paths = [];
    for (const value of values.values()) for (const field of value.links) {
      const on = chosen && value.button.classList.contains("on") && field.button.classList.contains("on");
      if (value.button.hidden || field.button.hidden || (chosen && !on)) continue;
      if (!on && !(inView(value.button) && inView(field.button))) continue;
      const from = height(value.button, box), to = height(field.button, box), half = box.width / 2;
      paths.push(`<path class="${on ? "on" : ""}" d="M0 ${from} C${half} ${from} ${half} ${to} ${box.width} ${to}"/>`);
      if (paths.length > 4000) break;
    }
    svg.innerHTML = paths.join("");
  }

  function sift() {
    const words = section.querySelector("input[type=search]").value.toLowerCase();
    const deadOnly = section.querySelector("input[type=checkbox]").checked;
    for (const nodes of [values, fields]) for (const node of nodes.values()) {
      const named = [node, ...node.links].some(one => one.key.toLowerCase().includes(words));
      node.button.hidden = !named || (deadOnly && node.links.length > 0);
    }
    for (const title of map.querySelectorAll("h3")) {
      title.hidden = !between(title).some(button => !button.hidden);
    }
    redraw();
  }

  const nodeOf = new Map([...values.values(), ...fields.values()].map(node => [node.button, node]));
  map.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (button) choose(button.classList.contains("on") && event.detail === 0 ? null : nodeOf.get(button));
  });
  map.addEventListener("keydown", event => move(event, panes, nodeOf, choose));
  for (const pane of panes) {
    pane.addEventListener("scroll", () => requestAnimationFrame(redraw), {passive: true});
    pane.querySelector("button")?.setAttribute("tabindex", "0");
  }
  new ResizeObserver(redraw).observe(map);
  section.querySelector(".tools").addEventListener("input", sift);
  redraw();
}

function fill([left, right], data) {
  const values = new Map(), fields = new Map();
  for (const [leaf, effects] of Object.entries(data.effects)) {
    const node = {key: leaf, links: [], button: button(leaf)};
    values.set(leaf, node);
    for (const effect of effects) {
      if (!fields.has(effect)) fields.set(effect, {key: effect, links: [], isField: true});
      node.links.push(fields.get(effect));
      fields.get(effect).links.push(node);
    }
    if (!effects.length) mark(node.button, lack(leaf, data), "quiet");
    for (const f of data.findings) if (f.leaf === leaf && f.severity !== "info")
      mark(node.button, f.code, f.severity === "error" ? "bad" : "caution");
  }
  list(left, values, key => key.split(/[.\\[]/)[0], key => key);
  const sorted = new Map([...fields].sort(([a], [b]) => a < b ? -1 : 1));
  for (const node of sorted.values()) node.button = button(parts(node.key)[1] || "(the whole object)");
  list(right, sorted, key => parts(key)[0], key => key);
  return [values, sorted];
}

function lack(leaf, data) {
  if (data.findings.some(f => f.code === "VAL-DORMANT" && f.leaf === leaf)) return "dormant";
  return data.not_checked.some(reason => reason.startsWith(`the effect of ${leaf}:`)) ? "not checked" : "no effect";
}

function list(pane, nodes, groupOf) {
  let group = null;
  for (const node of nodes.values()) {
    if (groupOf(node.key) !== group) {
      group = groupOf(node.key);
      pane.append(Object.assign(document.createElement("h3"), {textContent: group}));
    }
    pane.append(node.button);
  }
}

function button(text) {
  return Object.assign(document.createElement("button"), {type: "button", textContent: text, tabIndex: -1});
}

function mark(button, text, kind) {
  button.append(Object.assign(document.createElement("span"), {className: "mark " + kind, textContent: text}));
}

function parts(effect) {
  // Names may hold colons (roles do); a pointer begins with a slash, and that of a whole object is empty.
  const cut = effect.indexOf(":/") < 0 ? effect.lastIndexOf(":") : effect.indexOf(":/");
  return [effect.slice(0, cut), effect.slice(cut + 1)];
}

function tell(node) {
  const many = node.links.length;
  const what = node.isField ? "is changed by" : "changes";
  if (!many) return node.key + " changes nothing";
  const first = node.links.slice(0, 6).map(link => link.key).join(", ");
  return `${node.key} ${what} ${first}` + (many > 6 ? ` and ${many - 6} more` : "");
}

function between(title) {
  const found = [];
  let next = title.nextElementSibling;
  for (; next?.tagName === "BUTTON"; next = next.nextElementSibling) found.push(next);
  return found;
}

function move(event, panes, nodeOf, choose) {
  if (event.key === "Escape") { choose(null); return; }
  const pane = panes.findIndex(one => one.contains(event.target));
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  const side = {ArrowRight: 1, ArrowLeft: 0}[event.key];
  let next = null;
  if (step) {
    const buttons = [...panes[pane].querySelectorAll("button:not([hidden])")];
    next = buttons[buttons.indexOf(event.target) + step];
  } else if (side !== undefined && side !== pane) {
    next = nodeOf.get(event.target)?.links.find(link => !link.button.hidden)?.button;
  }
  if (!next) return;
  event.preventDefault();
  for (const one of panes[pane].querySelectorAll("[tabindex='0']")) one.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
  choose(nodeOf.get(next));
}

function inView(button) {
  const pane = button.parentElement.getBoundingClientRect(), box = button.getBoundingClientRect();
  return box.bottom > pane.top && box.top < pane.bottom;
}

// scrollIntoView would move the page as well.
function center(button) {
  const pane = button.parentElement, box = pane.getBoundingClientRect();
  pane.scrollTop += button.getBoundingClientRect().top - box.top - box.height / 2;
}

function height(button, box) {
  const own = button.getBoundingClientRect();
  return Math.max(0, Math.min(box.height, own.top + own.height / 2 - box.top));
}
"""
