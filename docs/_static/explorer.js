// SPDX-License-Identifier: GPL-2.0-only
// The explorer's controls and its figure. The link carries the state:
// explorer.html?batch=255&kmap=local. The table is the one that the page has without
// scripting, filled in anew.
"use strict";

(() => {
  const data = globalThis.xpfoData;
  const core = globalThis.xpfoExplorer;
  const box = document.getElementById("explorer-live");
  const table = document.querySelector("#explorer-table table");
  const SVG = "http://www.w3.org/2000/svg";
  const ROW = 26;
  const HEAD = 44;
  const FOOT = 22;
  const BESIDE = 600; // pixels from which the panels stand side by side
  const PANELS = [
    { key: "flushes", name: "Flushes of all CPUs", unit: "for 1,000 pages that users get", log: [0.1, 2000], digits: 3 },
    { key: "seconds", name: "CPU seconds of flushing", unit: "for 1,000,000 such pages", log: [0.1, 1000], digits: 2 },
    { key: "exposed", name: "Reachable by the kernel", unit: "percent of users' frame-time", log: null, digits: 3 },
  ];
  let { state, unknown } = core.fromQuery(data, location.search);
  const radios = {};

  function make(name, attributes = {}, ...inside) {
    const element = document.createElement(name);
    Object.assign(element, attributes);
    element.append(...inside);
    return element;
  }

  function draw(name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function choice({ name, label, values, texts }) {
    const group = make("fieldset", {}, make("legend", { textContent: label }));
    radios[name] = values.map((value, at) => {
      const radio = make("input", { type: "radio", name: `explorer-${name}`, value });
      radio.addEventListener("change", () => changed({ [name]: value }));
      group.append(make("label", {}, radio, make("span", { textContent: texts[at] })));
      return radio;
    });
    return group;
  }

  const { ipi } = data.cost;
  const cycles = make("input", { type: "range", min: 0, max: ipi.most, step: ipi.step, id: "explorer-ipi" });
  const said = make("output", { htmlFor: "explorer-ipi" });
  const tables = make("button", { type: "button", textContent: "As the published tables leave it" });
  cycles.addEventListener("input", () => changed({ ipi: Number(cycles.value) }));
  tables.addEventListener("click", () => changed({ ipi: null }));

  const order = ["batch", "cpus", "pipes", "memory", "start", "kmap"];
  const controls = make("form", { className: "explorer-controls" },
    ...order.map((name) => choice(data.axes.find((axis) => axis.name === name))),
    make("fieldset", { className: "wide" },
      make("legend", {}, make("label", { htmlFor: "explorer-ipi", textContent: "An interrupt costs each CPU" })),
      cycles, said, tables));
  controls.addEventListener("submit", (event) => event.preventDefault());
  const answer = make("p", { className: "explorer-answer" });
  answer.setAttribute("aria-live", "polite");
  const figure = make("figure", { className: "explorer-figure" });
  const source = make("p", { className: "explorer-source" });
  const reset = make("button", { type: "button", textContent: "First state" });
  reset.addEventListener("click", () => changed(core.standard(data)));

  function textOf(name) {
    const axis = data.axes.find((one) => one.name === name);
    return axis.texts[axis.values.indexOf(state[name])];
  }

  function words() {
    return `${state.cpus} CPU${state.cpus > 1 ? "s" : ""}, ${textOf("memory")}, batch ${state.batch}, `
      + `${textOf("pipes")} pipes, memory starts ${state.start}, kmap ${textOf("kmap")}`;
  }

  function scaleOf(panel, left, width) {
    if (!panel.log) return (value) => left + (width * value) / 100;
    const [low, high] = panel.log.map(Math.log10);
    const zero = 14; // 0 has a place of its own, before the least
    return (value) => (value < panel.log[0]
      ? left + (value ? zero * (value / panel.log[0]) : 0)
      : left + zero + ((width - zero) * (Math.log10(value) - low)) / (high - low));
  }

  function ticksOf(panel) {
    if (!panel.log) return [0, 50, 100];
    const found = [0];
    for (let tick = panel.log[0]; tick <= panel.log[1] * 1.01; tick *= 10) found.push(tick);
    return found;
  }

  function drawPanel(svg, panel, rows, { left, top, width, names }) {
    const at = scaleOf(panel, left + names + 5, width - names - 24);
    const bottom = top + HEAD + rows.length * ROW;
    svg.append(draw("text", { x: left, y: top + 14, "font-weight": "bold", "font-size": 13 }, panel.name));
    svg.append(draw("text", { x: left, y: top + 30, class: "f-quiet", "font-size": 11 }, panel.unit));
    let free = -Infinity;
    for (const tick of ticksOf(panel)) {
      const x = at(tick);
      svg.append(draw("line", { x1: x, x2: x, y1: top + HEAD, y2: bottom, class: "s-rule" }));
      const text = tick >= 1000 ? `${tick / 1000}k` : String(Number(tick.toPrecision(1)));
      if (x - 4 * text.length < free) continue;
      svg.append(draw("text", { x, y: bottom + 14, class: "f-quiet", "font-size": 11, "text-anchor": "middle" }, text));
      free = x + 4 * text.length + 4;
    }
    rows.forEach((row, number) => {
      const y = top + HEAD + (number + 0.5) * ROW;
      const [middle, low, high] = row[panel.key].map(at);
      if (names) svg.append(draw("text", { x: left, y: y + 4, "font-size": 12, "font-weight": row.safe ? "bold" : "normal" }, row.name));
      svg.append(draw("line", { x1: low, x2: high, y1: y, y2: y, class: `s-${row.name}`, "stroke-width": 3 }));
      svg.append(draw("circle", { cx: middle, cy: y, r: 5, class: `f-${row.name}` }));
      const text = core.short(row[panel.key][0], panel.digits);
      const end = Math.max(high, middle + 5) + 5;
      const fits = end + 7 * text.length < left + width;
      svg.append(draw("text", { x: fits ? end : Math.min(low, middle - 5) - 5, y: y + 4, "font-size": 12, "text-anchor": fits ? "start" : "end" }, text));
    });
    return bottom + FOOT;
  }

  function drawFigure(rows) {
    const width = Math.max(280, Math.round(box.clientWidth));
    const names = 124;
    const svg = draw("svg", { class: "chart live", role: "img", "aria-label": `${words()}. ${answer.textContent}` });
    let height = 0;
    if (width >= BESIDE) {
      const each = (width - names) / PANELS.length;
      PANELS.forEach((panel, number) => {
        const left = number ? names + number * each + 12 : 0;
        height = drawPanel(svg, panel, rows, { left, top: 0, width: number ? each - 12 : names + each, names: number ? 0 : names });
      });
    } else {
      for (const panel of PANELS) height = drawPanel(svg, panel, rows, { left: 0, top: height, width, names }) + 10;
    }
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    figure.replaceChildren(svg);
  }

  function say(rows) {
    const told = (row) => `${row.name}: ${core.told(row.flushes, 3)} flushes for 1,000 pages, ${core.told(row.seconds, 2)} CPU s for 1,000,000, ${core.short(row.exposed[0], 3)}% reachable`;
    const shown = rows.filter((row) => row.asWritten || row.name === "v6");
    answer.textContent = `${words()}. ${shown.map(told).join("; ")}.`
      + (unknown.length ? ` The link asks for ${unknown.join(" and ")}, which was not computed.` : "");
  }

  function fill(rows) {
    [...table.tBodies[0].rows].forEach((line, number) => {
      const row = rows[number];
      const cells = [row.name, core.told(row.ahead, 3), core.told(row.kunmap, 3), core.told(row.seconds, 2), core.told(row.exposed, 3)];
      cells.forEach((text, at) => {
        const cell = line.cells[at].querySelector("p") || line.cells[at];
        if (at) cell.textContent = text;
      });
    });
  }

  function show() {
    for (const [name, all] of Object.entries(radios)) {
      for (const radio of all) radio.checked = radio.value === String(state[name]);
    }
    const free = state.ipi === null;
    cycles.value = free ? ipi.value : state.ipi;
    const number = (value) => value.toLocaleString("en-US");
    said.textContent = free ? `${number(ipi.low)} to ${number(ipi.high)} cycles` : `${number(state.ipi)} cycles`;
    cycles.setAttribute("aria-valuetext", said.textContent);
    tables.disabled = free;
    const rows = core.rowsOf(data, state);
    say(rows);
    fill(rows);
    drawFigure(rows);
    source.replaceChildren("A dot is the median, a line its interval; the name of what is safe with this way to a page is bold. Computed by ", make("code", { textContent: "xpfo-model data explorer" }),
      `, ${data.about}. The same again: `, make("code", { textContent: core.command(data, state) }));
  }

  function changed(change) {
    state = { ...state, ...change };
    unknown = [];
    history.replaceState(null, "", location.pathname + core.toQuery(data, state, location.search) + location.hash);
    show();
  }

  controls.lastChild.append(" ", reset);
  box.append(controls, answer, figure, source);
  box.hidden = false;
  for (const one of document.querySelectorAll(".explorer-first, #explorer-live ~ .without-script")) one.remove();
  let width = 0;
  addEventListener("resize", () => {
    if (box.clientWidth !== width) drawFigure(core.rowsOf(data, state));
    width = box.clientWidth;
  });
  show();
})();
