// SPDX-License-Identifier: GPL-2.0-only
// Steps through a run on the checker's tiny machine. What each step does was played by
// the checker as the site was built: explorer/steps.js. The link carries strategy, run
// and step: explorer.html?strategy=v9&run=tour&step=3
"use strict";

(() => {
  const data = globalThis.xpfoSteps;
  const box = document.getElementById("stepper-live");
  const TOUR = "tour";
  const PLACES = {
    buddy: "free, buddy",
    MOVABLE: "free, MOVABLE list",
    UNMOVABLE: "free, other list",
    kernel: "kernel",
    user: "user",
    "in flight": "taken, not handed out",
  };
  const FRAME = /^([a-z])([+-])(\d+)$/;
  const strategies = [...new Set(data.runs.map((run) => run.strategy))];
  let at = { strategy: box.dataset.strategy, run: box.dataset.run, step: 0 };

  function make(name, attributes = {}, ...inside) {
    const element = document.createElement(name);
    Object.assign(element, attributes);
    element.append(...inside);
    return element;
  }

  function runsOf(strategy) {
    return data.runs.filter((run) => run.strategy === strategy);
  }

  function chosen() {
    const all = runsOf(at.strategy);
    return all.find((run) => run.name === at.run) || all[0];
  }

  /** What a step is like: all that it leaves out is empty. */
  function whole(step) {
    return { line: 0, cpu: 0, action: "", hooks: [], tlbs: [], waits: [], flushes: 0, wrong: [], impossible: 0, ...step };
  }

  function framesOf(step) {
    return step.frames.split(" ").map((text) => {
      const [, letter, pte, kmaps] = FRAME.exec(text);
      return { place: data.places[letter], mapped: pte === "+", kmaps: Number(kmaps) };
    });
  }

  function machine(title, step) {
    const cpus = [0, 1];
    const heads = ["Frame", "Who has it", "PTE", "kmaps", ...cpus.map((cpu) => `TLB of CPU ${cpu}`)];
    const body = framesOf(step).map((frame, number) => {
      const wrong = step.wrong.includes(number);
      const stale = cpus.map((cpu) => (step.tlbs[cpu] || []).includes(number));
      const cell = (text, className = "") => make("td", { textContent: text, className });
      return make("tr", { className: wrong ? "wrong" : "" },
        make("th", { textContent: `${number}${wrong ? " !" : ""}`, scope: "row" }),
        cell(PLACES[frame.place], `place ${frame.place.replace(" ", "-").toLowerCase()}`),
        cell(frame.mapped ? "mapped" : "not mapped", frame.mapped ? "mapped" : ""),
        cell(String(frame.kmaps || "-")),
        ...stale.map((held) => cell(held ? "stale" : "-", held ? "stale" : "")));
    });
    return make("div", { className: "machine table-wrapper" },
      make("table", { className: "docutils" },
        make("caption", { textContent: title }),
        make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { textContent: text, scope: "col" })))),
        make("tbody", {}, ...body)));
  }

  function told(step) {
    if (!step.line) return "The machine as it begins: all frames are free, and mapped.";
    const does = `CPU ${step.cpu} ${step.action}`;
    if (step.impossible) return `${does}: not possible here; nothing changes.`;
    const hooks = step.hooks.length ? `: calls ${step.hooks.join(", ")}` : "";
    const flushes = step.flushes ? `, asks for ${step.flushes === 1 ? "a flush" : `${step.flushes} flushes`} of all CPUs` : "";
    const waits = step.waits.map((cpu) => ` CPU ${cpu} waits for its flush.`).join("");
    return `${does}${hooks}${flushes}.${waits}`;
  }

  /** The text of each function that was called, once, with all hooks that it is. */
  function sources(called) {
    const users = new Map();
    for (const [name, hook] of called) {
      const key = data.hooks[name][hook];
      users.set(key, (users.get(key) || new Set()).add(`${name}: ${hook}`));
    }
    return [...users].map(([key, names]) => {
      const { text, at: where, link } = data.functions[key];
      const place = link ? make("a", { href: link, textContent: where }) : make("span", { textContent: where });
      return make("figure", { className: "hook" },
        make("figcaption", {}, make("code", { textContent: [...names].join(", ") }), " ", place),
        make("pre", { textContent: text.trimEnd(), tabIndex: 0 }));
    });
  }

  const strategy = make("select", { id: "stepper-strategy" });
  strategy.append(...strategies.map((name) => new Option(name)));
  const run = make("select", { id: "stepper-run" });
  const said = make("p", { className: "stepper-said" });
  said.setAttribute("aria-live", "polite");
  const counter = make("output");
  const list = make("ol", { className: "stepper-steps", start: 0 });
  const machines = make("div", { className: "machines" });
  const code = make("div", { className: "hooks" });
  const buttons = [
    ["First", () => 0],
    ["Previous", () => at.step - 1],
    ["Next", () => at.step + 1],
    ["Last", () => Infinity],
  ].map(([text, to]) => {
    const button = make("button", { type: "button", textContent: text });
    button.addEventListener("click", () => go({ step: to() }));
    return button;
  });

  function offer() {
    run.replaceChildren(...runsOf(at.strategy).map(({ name }) => new Option(
      name === TOUR ? "a tour of a page's life" : `violates ${name}`, name)));
    run.value = chosen().name;
    strategy.value = at.strategy;
  }

  function show() {
    const here = chosen();
    const steps = here.steps.map(whole);
    const last = steps.length - 1;
    at.step = Math.min(Math.max(Math.round(at.step) || 0, 0), last);
    const step = steps[at.step];
    const ends = at.step === last && here.name !== TOUR;
    said.textContent = told(step) + (ends ? ` Violated: ${data.invariants[here.name]}` : "");
    said.classList.toggle("wrong", ends);
    counter.textContent = `step ${at.step} of ${last}`;
    buttons.forEach((button, number) => {
      button.disabled = number < 2 ? at.step === 0 : at.step === last;
    });
    list.replaceChildren(...steps.map((one, number) => {
      const button = make("button", { type: "button", textContent: one.line ? `CPU ${one.cpu} ${one.action}` : "as it begins" });
      button.addEventListener("click", () => go({ step: number }));
      if (number === at.step) button.setAttribute("aria-current", "step");
      return make("li", {}, button);
    }));
    const shown = [machine(at.strategy, step)];
    let others = [];
    if (here.beside) {
      const beside = here.beside.map(whole);
      others = beside.filter((one) => one.line === step.line);
      const now = beside.filter((one) => one.line <= step.line).at(-1);
      shown.push(machine(`${data.safe}, the same actions`, now));
      if (step.line) shown.at(-1).append(...others.map((one) => make("p", { textContent: told(one) })));
    }
    machines.replaceChildren(...shown);
    const called = (name, some) => some.flatMap(({ hooks }) => hooks.map((hook) => [name, hook]));
    code.replaceChildren(...sources([...called(at.strategy, [step]), ...called(data.safe, others)]));
  }

  function go(change) {
    at = { ...at, ...change };
    if (change.strategy) at = { ...at, run: TOUR, step: 0 };
    if (change.run) at.step = 0;
    if (change.strategy || change.run) offer();
    const focused = list.contains(document.activeElement);
    show();
    if (focused) list.children[at.step].firstChild.focus();
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(at)) query.set(name, value);
    history.replaceState(null, "", `${location.pathname}?${query}${location.hash}`);
  }

  function fromLink() {
    const query = new URLSearchParams(location.search);
    if (strategies.includes(query.get("strategy"))) at = { strategy: query.get("strategy"), run: TOUR, step: 0 };
    if (runsOf(at.strategy).some(({ name }) => name === query.get("run"))) at.run = query.get("run");
    at.step = Number(query.get("step")) || 0;
  }

  strategy.addEventListener("change", () => go({ strategy: strategy.value }));
  run.addEventListener("change", () => go({ run: run.value }));
  box.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.target.matches("select, pre") || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // the theme turns the page with these
    go({ step: at.step + by });
  });

  box.append(
    make("div", { className: "chooser" },
      make("label", {}, "Strategy ", strategy), make("label", {}, "Run ", run)),
    make("div", { className: "chooser", role: "group", ariaLabel: "Steps; also with the arrow keys" }, ...buttons, counter),
    said, machines, list, code);
  box.hidden = false;
  for (const one of document.querySelectorAll(".stepper-first, #stepper-live ~ .without-script")) one.remove();
  fromLink();
  offer();
  show();
})();
