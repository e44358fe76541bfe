// SPDX-License-Identifier: GPL-2.0-only
// The list of claims, filtered by words and by the kind of evidence. The link carries
// the filter: claims.html?words=kunmap&basis=traces
"use strict";

(() => {
  const place = document.getElementById("ledger-filter");
  const entries = [...document.querySelectorAll("li.entry")].map((item) => ({
    item,
    text: item.textContent.toLowerCase(),
    basis: [...item.classList].find((name) => name.startsWith("basis-")).slice(6),
  }));
  const asked = new URLSearchParams(location.search);

  const words = document.createElement("input");
  words.type = "search";
  words.value = asked.get("words") || "";
  const basis = document.createElement("select");
  basis.append(new Option("any", ""));
  for (const name of new Set(entries.map((entry) => entry.basis))) {
    basis.append(new Option(name.replaceAll("-", " "), name));
  }
  basis.value = asked.get("basis") || "";
  if (basis.selectedIndex < 0) basis.value = "";
  const said = document.createElement("output");

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const entry of entries) {
      const fits = wanted.every((word) => entry.text.includes(word))
        && (!basis.value || entry.basis === basis.value);
      entry.item.hidden = !fits;
      count += fits;
    }
    for (const list of document.querySelectorAll("ul.ledger")) {
      const empty = !list.querySelector("li.entry:not([hidden])");
      list.hidden = empty;
      list.previousElementSibling.hidden = empty;
    }
    said.textContent = `${count} of ${entries.length} claims`;
  }

  function changed() {
    filter();
    const state = new URLSearchParams();
    if (words.value) state.set("words", words.value);
    if (basis.value) state.set("basis", basis.value);
    const query = state.toString();
    history.replaceState(null, "", location.pathname + (query && `?${query}`) + location.hash);
  }

  for (const [text, control] of [["Words, numbers or an id ", words], ["Evidence ", basis]]) {
    const label = document.createElement("label");
    label.append(text, control);
    control.addEventListener("input", changed);
    place.append(label, " ");
  }
  place.append(said);
  place.hidden = false;
  filter();
})();
