// The tour of the demo: where somebody stands in it is kept in this browser, for each person by themselves.

(() => {
  "use strict";
  const tour = document.getElementById("tour");
  if (!tour) return;
  const key = tour.dataset.tour;
  const last = tour.querySelectorAll("[data-step]").length;
  const read = (store, name) => { try { return store.getItem(name); } catch { return null; } };
  const keep = (store, name, value) => { try { store.setItem(name, value); } catch { /* Then it begins anew. */ } };

  function show(number) {
    for (const step of tour.querySelectorAll("[data-step]")) step.hidden = Number(step.dataset.step) !== number;
    const step = tour.querySelector(`[data-step="${number}"]`);
    const place = step.dataset.place.split("?")[0];
    // Whoever has wandered off finds the way back.
    step.querySelector("[data-tour-there]").hidden = location.pathname + location.search === step.dataset.place;
    for (const link of document.querySelectorAll(".places a")) link.classList.toggle("toured", link.getAttribute("href") === place);
    tour.hidden = false;
  }

  function end() {
    keep(localStorage, key, "done");
    tour.hidden = true;
    for (const link of document.querySelectorAll(".toured")) link.classList.remove("toured");
    document.getElementById("main").focus();
  }

  const kept = read(localStorage, key);
  const number = Math.min(Math.max(Number(kept) || 1, 1), last);
  if (kept !== "done") {
    show(number);
    // Whoever comes from the step before goes on reading here, with the keyboard too.
    if (read(sessionStorage, key) === String(number)) tour.focus();
  }
  keep(sessionStorage, key, "");

  document.addEventListener("click", (event) => {
    const go = event.target.closest("[data-tour-go]");
    if (go) {
      keep(localStorage, key, go.dataset.tourGo);
      keep(sessionStorage, key, go.dataset.tourGo);
    } else if (event.target.closest("[data-tour-end]")) end();
    else if (event.target.closest("[data-tour-again]")) {
      keep(localStorage, key, "1");
      for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
      show(1);
      tour.focus();
      tour.scrollIntoView({ block: "nearest" });
    }
  });
  tour.addEventListener("keydown", (event) => { if (event.key === "Escape") end(); });
})();
