// Small things that the console's pages do in the browser. Every page works without it, but for being live.

(() => {
  "use strict";
  const body = document.body;
  document.documentElement.classList.add("scripted");

  // --- live ---------------------------------------------------------------------------------------------------------

  const state = body.dataset.live ? JSON.parse(body.dataset.live) : null;
  if (state && Object.keys(state).length) {
    const worker = new Worker(body.dataset.liveWorker);
    const shown = () => document.visibilityState === "visible";
    const address = new URL(body.dataset.liveAddress, location.href).href;
    worker.postMessage({ state, address, streams: "liveStreams" in body.dataset, visible: shown() });
    document.addEventListener("visibilitychange", () => worker.postMessage({ visible: shown() }));
    const lost = document.getElementById("lost");
    // The server may give what it has made for others, if that is no older than what this page was told.
    const since = {};
    body.addEventListener("htmx:configRequest", ({ detail }) => {
      const cause = detail.triggeringEvent;
      if (!cause || !cause.type.startsWith("live:")) return;
      const ages = Object.entries(since).map(([topic, at]) => [topic, ((performance.now() - at) / 1000).toFixed(3)]);
      detail.headers["Live-Told"] = new URLSearchParams(ages).toString();
    });
    worker.onmessage = ({ data }) => {
      if (data.signedOut) location.reload();
      if (data.lost) lost.hidden = false;
      if (data.back) {
        lost.hidden = true;
      }
      for (const [topic, age] of data.news || []) since[topic] = performance.now() - age * 1000;
      for (const kind of new Set((data.news || []).map(([topic]) => topic.split(":")[0]))) tell(kind);
    };
  }

  // The first news of a list is shown at once. While more and more follows it is brought up to date less and less often,
  // so that two hundred open pages of a busy shop do not keep the server from its work; nothing that came is left out.
  const FIRST = 400;
  const QUIET = 6000;
  const LONGEST = { orders: 8000, reviews: 8000, uploads: 8000, queue: 4000 };
  const told = {};
  function tell(kind) {
    const one = (told[kind] = told[kind] || { fetched: 0, heard: 0, pause: FIRST, waits: false });
    const at = Date.now();
    const quiet = at - one.heard > QUIET;
    one.heard = at;
    if (one.waits) return;
    one.pause = quiet ? FIRST : Math.min(one.pause * 3, LONGEST[kind] || FIRST);
    one.waits = true;
    // Not quite the same for everybody: those who were told together would else always fetch together.
    const pause = one.pause === FIRST ? FIRST : one.pause * (0.7 + 0.6 * Math.random());
    setTimeout(() => {
      one.waits = false;
      one.fetched = Date.now();
      htmx.trigger(body, `live:${kind}`);
    }, Math.max(0, one.fetched + pause - at));
  }

  // Whoever has ticked rows keeps the ticks when the region is brought up to date, and whoever has come to a link by
  // keyboard stays there; whoever has something unfolded in it keeps reading, and gets the news when it is folded again.
  // A link that is replaced between press and release would lose the click.
  let ticked = [];
  let focused = null;
  let pressed = null;
  const held = (region) => region.querySelector("details[open]") || region.contains(pressed);
  function spare(event) {
    const region = event.detail.target;
    ticked.push(...[...region.querySelectorAll("input:checked[id]")].map((box) => box.id));
    const link = document.activeElement.closest("a[href]:not([id])");
    if (link && region.contains(link)) focused = link.getAttribute("href");
    if (held(region)) {
      event.detail.shouldSwap = false;
      region.dataset.stale = "1";
    }
  }
  body.addEventListener("htmx:beforeSwap", (event) => {
    ticked = [];
    focused = null;
    spare(event);
  });
  // What comes along with another region; only one that can ask for itself can be put off.
  body.addEventListener("htmx:oobBeforeSwap", (event) => { if (event.detail.target.hasAttribute("hx-trigger")) spare(event); });
  body.addEventListener("htmx:afterSettle", () => {
    for (const id of ticked) {
      const box = document.getElementById(id);
      if (box) box.checked = true;
    }
    if (focused !== null) document.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    ticked = [];
    focused = null;
    countTicks();
    showNewest();
  });
  function refresh(region) {
    if (!region || held(region)) return;
    delete region.dataset.stale;
    htmx.trigger(body, region.getAttribute("hx-trigger").split(" ")[0]);
  }
  document.addEventListener("toggle", (event) => refresh(event.target.closest("[data-stale]")), true);
  document.addEventListener("pointerdown", (event) => { pressed = event.target; });
  for (const end of ["pointerup", "pointercancel"]) {
    // After the click, which follows the release at once.
    document.addEventListener(end, () => setTimeout(() => {
      pressed = null;
      for (const region of document.querySelectorAll("[data-stale]")) refresh(region);
    }));
  }

  // The newest days of a chart that is wider than the screen are at its end.
  function showNewest() {
    for (const frame of document.querySelectorAll("[data-scroll-end]")) frame.scrollLeft = frame.scrollWidth;
  }
  showNewest();

  // --- forms ---------------------------------------------------------------------------------------------------------

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const question = form.dataset.confirm || (event.submitter && event.submitter.dataset.ask);
    if (question && !window.confirm(question)) {
      event.preventDefault();
      return;
    }
    // A double click posts once.
    if (form.method === "post") setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; }, 0);
  });
  window.addEventListener("pageshow", () => { for (const button of document.querySelectorAll("form[method=post] button:disabled")) button.disabled = false; });

  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.matches("[data-submit]") || field.closest("[data-submit-on-change]")) field.form.requestSubmit();
    if (field.dataset.tickAll) for (const box of document.getElementsByName(field.dataset.tickAll)) box.checked = field.checked;
    if (field.type === "checkbox") countTicks();
  });

  function countTicks() {
    for (const bar of document.querySelectorAll("[data-bulk]")) {
      const count = document.querySelectorAll(`input[name="${bar.dataset.bulk}"]:checked`).length;
      bar.hidden = count === 0;
      const words = bar.querySelector("[data-bulk-count]");
      words.textContent = `${count} ${words.dataset.words}`;
    }
  }

  // --- keys and menus --------------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const field = document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
      if (field) {
        event.preventDefault();
        field.focus();
      }
    }
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const field = document.getElementById(copy.dataset.copy);
      field.select();
      const done = () => { copy.textContent = copy.dataset.done; };
      if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done, () => {});
      else if (document.execCommand("copy")) done();
    }
    if (event.target.matches("[data-select]")) event.target.select();
  });

  // --- files -------------------------------------------------------------------------------------------------------------

  const drop = document.querySelector("[data-drop]");
  if (drop) {
    const field = drop.querySelector("input[type=file]");
    const over = (event) => { event.preventDefault(); drop.classList.add("over"); };
    drop.addEventListener("dragenter", over);
    drop.addEventListener("dragover", over);
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer.files.length) {
        field.files = event.dataTransfer.files;
        field.form.requestSubmit();
      }
    });
    field.addEventListener("change", () => { if (field.files.length) field.form.requestSubmit(); });
  }

  // --- pictures that are gone ----------------------------------------------------------------------------------------------

  function gone(image) {
    if (!image.isConnected) return;
    const words = document.createElement("span");
    words.textContent = image.dataset.gone;
    image.closest("a").replaceWith(words);
  }
  document.addEventListener("error", (event) => { if (event.target.dataset && event.target.dataset.gone) gone(event.target); }, true);
  // Those that failed before this script was here.
  for (const image of document.querySelectorAll("img[data-gone]")) image.decode().catch(() => gone(image));
})();
