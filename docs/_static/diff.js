// SPDX-License-Identifier: GPL-2.0-only
// Any two strategies side by side. The diffs of one strategy are a script of their own,
// diffs/NAME.js, which calls xpfoDiffs: a page that is opened from a disk may load a
// script, but may not fetch a file.
"use strict";

(() => {
  const chooser = document.getElementById("diff-chooser");
  const names = chooser.dataset.names.split(" ");
  const root = document.documentElement.dataset.content_root || "";
  const shown = document.querySelector(".diff-shown");
  const loaded = {};
  const selects = {};

  function line(text) {
    const span = document.createElement("span");
    span.className = { "+": "gi", "-": "gd", "@": "gu" }[text[0]] || "";
    span.textContent = `${text}\n`;
    return span;
  }

  function show() {
    const { one, other } = selects;
    const text = one.value === other.value ? "the same strategy" : loaded[one.value][other.value];
    const pre = shown.querySelector("pre");
    pre.replaceChildren(...text.trimEnd().split("\n").map(line));
    shown.querySelector(".diff-title").textContent = `${one.value} → ${other.value}`;
    dispatchEvent(new Event("resize")); // the text may overflow now
  }

  function load() {
    const name = selects.one.value;
    if (loaded[name]) {
      show();
      return;
    }
    const script = document.createElement("script");
    script.src = `${root}diffs/${name}.js`;
    script.onerror = () => {
      shown.querySelector(".diff-title").textContent = `diffs/${name}.js cannot be loaded`;
    };
    document.head.append(script);
  }

  window.xpfoDiffs = (name, texts) => {
    loaded[name] = texts;
    if (selects.one.value === name) show();
  };

  function fromLink() {
    const [one, other] = location.hash.slice(1).split("--");
    if (!names.includes(one) || !names.includes(other)) return false;
    selects.one.value = one;
    selects.other.value = other;
    load();
    return true;
  }

  function choose() {
    history.replaceState(null, "", `#${selects.one.value}--${selects.other.value}`);
    load();
  }

  for (const [key, text] of [["one", "From "], ["other", " to "]]) {
    const select = document.createElement("select");
    select.append(...names.map((name) => new Option(name)));
    select.value = chooser.dataset[key];
    select.addEventListener("change", choose);
    const label = document.createElement("label");
    label.append(text, select);
    chooser.append(label);
    selects[key] = select;
  }
  const swap = document.createElement("button");
  swap.type = "button";
  swap.textContent = "Swap";
  swap.addEventListener("click", () => {
    [selects.one.value, selects.other.value] = [selects.other.value, selects.one.value];
    choose();
  });
  chooser.append(" ", swap);
  chooser.hidden = false;
  shown.setAttribute("aria-live", "polite");
  for (const note of document.querySelectorAll(".without-script")) note.remove();
  addEventListener("hashchange", fromLink);
  fromLink();
})();
