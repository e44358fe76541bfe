// SPDX-License-Identifier: GPL-2.0-only
// For every page: what overflows can be scrolled by keyboard, paper shows what is
// folded, Escape closes a drawer, a link to folded content unfolds it.
"use strict";

(() => {
  const SCROLLERS = ".highlight pre, .table-wrapper, .cell_output pre, math, .claim-figure";

  function markScrollers() {
    for (const box of document.querySelectorAll(SCROLLERS)) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
      markMore(box);
    }
  }

  // A shadow at the right edge, until there is no more to scroll to.
  function markMore(box) {
    box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
  }

  function unfoldTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
    }
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });

  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const drawer of document.querySelectorAll(".sidebar-toggle:checked")) {
      drawer.checked = false;
      drawer.focus();
    }
  });

  addEventListener("hashchange", unfoldTarget);
  addEventListener("DOMContentLoaded", () => {
    markScrollers();
    unfoldTarget();
    for (const box of document.querySelectorAll(".table-wrapper")) {
      box.addEventListener("scroll", () => markMore(box), { passive: true });
    }
    for (const one of document.querySelectorAll("details")) {
      one.addEventListener("toggle", markScrollers);
    }
    for (const one of document.querySelectorAll(".toc-tree a")) {
      one.addEventListener("click", () => {
        const drawer = document.getElementById("__toc");
        if (drawer) drawer.checked = false;
      });
    }
  });
  addEventListener("load", markScrollers);
  addEventListener("resize", markScrollers);
})();
