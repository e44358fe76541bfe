// SPDX-License-Identifier: GPL-2.0-only
// The arithmetic of the explorer, without a page: a state, its link, its rows. The data
// are explorer/data.js of the site; a cell is a number, or [median, low, high].
"use strict";

(() => {
  const MILLION = 1e6;
  const PER = 1000;
  const LEAST = 0.001; // that is told

  function ends(cell) {
    return Array.isArray(cell) ? cell : [cell, cell, cell];
  }

  function standard(data) {
    return { ...Object.fromEntries(data.axes.map((axis) => [axis.name, axis.standard])), ipi: null };
  }

  /** The state of a link, and what it asks for that was not computed. */
  function fromQuery(data, search) {
    const asked = new URLSearchParams(search);
    const state = standard(data);
    const unknown = [];
    for (const { name, values } of data.axes) {
      if (!asked.has(name)) continue;
      const value = values.find((one) => String(one) === asked.get(name));
      if (value === undefined) unknown.push(`${name}=${asked.get(name)}`);
      else state[name] = value;
    }
    if (asked.has("ipi")) {
      const ipi = Number(asked.get("ipi") || NaN);
      if (ipi >= 0 && ipi <= data.cost.ipi.most) state.ipi = ipi;
      else unknown.push(`ipi=${asked.get("ipi")}`);
    }
    return { state, unknown };
  }

  /** The query of a link to a state; what else the old one asks for is kept. */
  function toQuery(data, state, search = "") {
    const query = new URLSearchParams(search);
    for (const { name, standard: usual } of data.axes) {
      if (state[name] === usual) query.delete(name);
      else query.set(name, state[name]);
    }
    if (state.ipi === null) query.delete("ipi");
    else query.set("ipi", state.ipi);
    const text = query.toString();
    return text && `?${text}`;
  }

  /** Where a state's rows begin, one for each strategy. */
  function place(data, state) {
    let at = 0;
    for (const { name, values } of data.axes) at = at * values.length + values.indexOf(state[name]);
    return at * data.strategies.length;
  }

  /** The accesses whose kunmap flushes all CPUs: those through the direct map. */
  function flushing(accesses, state) {
    return state.kmap === "direct" ? accesses : 0;
  }

  /** CPU seconds of all flushes for a million pages that users get, all CPUs together. */
  function seconds(data, counts, state, ipi, one, full) {
    const interrupt = state.cpus > 1 ? ipi : 0; // a machine of one CPU sends none
    const kunmaps = flushing(counts.accesses, state);
    const pages = counts.ahead - counts.full + kunmaps;
    const here = (counts.accesses - kunmaps) * one; // each flushes the CPU that made it
    const cycles = state.cpus * (pages * (interrupt + one) + counts.full * (interrupt + full)) + here;
    return (cycles / PER) * (MILLION / data.cost.hertz);
  }

  /** The result of each strategy in a state. */
  function rowsOf(data, state) {
    const { one, full, ipi } = data.cost;
    const interrupts = state.ipi === null ? [ipi.value, ipi.low, ipi.high] : [state.ipi, state.ipi, state.ipi];
    const first = place(data, state);
    return data.strategies.map(({ name, safe }, at) => {
      const cells = Object.fromEntries(
        data.columns.map((column, number) => [column, ends(data.rows[first + at][number])]));
      cells.kunmap = cells.accesses.map((count) => flushing(count, state));
      const of = [0, 1, 2].map((end) => seconds(
        data,
        Object.fromEntries(data.columns.map((column) => [column, cells[column][end]])),
        state, interrupts[end], one[end], full[end]));
      const flushes = [0, 1, 2].map((end) => cells.ahead[end] + cells.kunmap[end]);
      // a kmap through the direct map puts a page back in reach of every CPU
      return { name, safe: safe && state.kmap !== "direct", asWritten: safe, ...cells, flushes, seconds: of };
    });
  }

  /** A number in so many digits, or that it is next to nothing. */
  function short(value, digits) {
    if (value && value < LEAST) return `<${LEAST}`;
    return Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 20 });
  }

  /** A median with its interval, or alone where both ends read the same. */
  function told([middle, low, high], digits) {
    const [from, to] = [short(low, digits), short(high, digits)];
    return from === to ? short(middle, digits) : `${short(middle, digits)} (${from} to ${to})`;
  }

  /** The command that computes the same again. */
  function command(data, state) {
    const parts = data.axes.map(({ name }) => `--${name} ${state[name]}`);
    if (state.ipi !== null) parts.push(`--ipi ${state.ipi}`);
    return `xpfo-model explore ${parts.join(" ")}`;
  }

  globalThis.xpfoExplorer = { standard, fromQuery, toQuery, rowsOf, short, told, command };
})();
