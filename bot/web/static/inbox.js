// What the inbox does in the browser: keys, canned answers, the countdown, who else is here, sound. The pages work
// without it; then nothing moves by itself.

(() => {
  "use strict";
  const body = document.body;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // --- the composer --------------------------------------------------------------------------------------------------

  // An answer that stops a reply (409, 422) holds the composer with the agent's words: it is shown like any other.
  body.addEventListener("htmx:beforeSwap", (event) => {
    if ([409, 422].includes(event.detail.xhr.status) && event.detail.target.id === "composer") {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  // Regions keep their element and get a new inside: news that come while others are on their way would be lost with it.
  // A menu that somebody has open is not exchanged under their hands.
  body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const target = event.detail.target;
    if (target && target.querySelector("details[open]")) event.detail.shouldSwap = false;
  });
  body.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) for (const button of all("form button:disabled", event.detail.elt)) button.disabled = false;
  });
  body.addEventListener("htmx:afterSettle", (event) => {
    const swapped = event.detail.target;
    if (swapped.id === "composer") {
      // While old and new stood side by side, their radio buttons were one group.
      one(`#mode-${one("#composer").dataset.mode}`).checked = true;
      forget();
      const field = one("#composer :is(#body, #note)");
      if (field && field.offsetParent) field.focus();
    }
    if (swapped.id === "bubbles") {
      for (const field of all("#composer input[name=seen]")) field.value = one("#seen").dataset.seq;
      if (wasAtEnd) toEnd();
    }
    if (swapped.id === "queue") { listen(); offerAlerts(); }
    count();
  });

  function mode(name) {
    const choice = one(`#mode-${name}`);
    if (!choice) return false;
    choice.checked = true;
    const field = one({ reply: "#body", note: "#note", template: "input[name=template]" }[name]);
    if (field) field.focus();
    return true;
  }

  document.addEventListener("click", (event) => {
    const toggle = event.target.closest("[data-toggle]");
    if (toggle) {
      if (toggle.dataset.toggle === "canned") showCanned(one("#canned").hidden);
      else {
        const row = one(".reply-buttons");
        row.hidden = !row.hidden;
        if (!row.hidden) one("input", row).focus();
      }
    }
    const answer = event.target.closest("[data-shortcut-of]");
    if (answer) take(answer);
    const opens = event.target.closest("[data-opens]");
    if (opens) open(opens.dataset.opens);
  });

  function open(what) {
    if (what === "later") {
      const later = one("#later");
      later.classList.toggle("shown");
      if (later.classList.contains("shown")) one("input", later).focus();
      return;
    }
    const fix = one("#fix");
    if (!fix) return;
    if (!one(".inbox.details") && fix.offsetParent === null) one(".inbox").classList.add("details");
    fix.open = true;
    one("input:not([type=hidden])", fix).focus();
  }

  // --- canned answers -------------------------------------------------------------------------------------------------

  const typed = () => /^\/([^\s/]*)$/.exec(one("#body").value);
  const offered = () => all("#canned [data-shortcut-of]").filter((answer) => !answer.hidden);

  function showCanned(shown) {
    const list = one("#canned");
    if (!list) return;
    const wanted = typed();
    for (const answer of all("[data-shortcut-of]", list)) {
      answer.hidden = Boolean(wanted) && !answer.dataset.shortcutOf.startsWith(wanted[1].toLowerCase());
      answer.classList.remove("picked");
    }
    list.hidden = !shown;
    if (shown && offered().length) offered()[0].classList.add("picked");
  }

  function take(answer) {
    const field = one("#body");
    if (typed()) field.value = answer.dataset.body;
    else field.setRangeText(answer.dataset.body, field.selectionStart, field.selectionEnd, "end");
    showCanned(false);
    field.focus();
    keep();
  }

  function pick(step) {
    const answers = offered();
    const at = answers.findIndex((answer) => answer.classList.contains("picked"));
    for (const answer of answers) answer.classList.remove("picked");
    if (answers.length) answers[(at + step + answers.length) % answers.length].classList.add("picked");
  }

  // --- drafts: words that were not sent are still there after a look at another conversation ----------------------------

  const pane = one("[data-conversation]");
  const place = pane ? `draft:${pane.dataset.conversation}` : "";
  const keep = () => { try { sessionStorage.setItem(place, one("#body").value); } catch { /* A full store keeps no draft. */ } };
  const forget = () => { if (place && one("#body") && !one("#body").value) sessionStorage.removeItem(place); };
  if (pane && one("#body") && !one("#body").value) one("#body").value = sessionStorage.getItem(place) || "";

  let typedAt = 0;
  document.addEventListener("input", (event) => {
    if (event.target.id === "body" || event.target.id === "note") typedAt = Date.now();
    if (event.target.id === "body") {
      keep();
      showCanned(Boolean(typed()));
    }
  });

  // --- scrolling ---------------------------------------------------------------------------------------------------------

  const scroller = one(".scroller");
  let wasAtEnd = true;
  const toEnd = () => { if (scroller) scroller.scrollTop = scroller.scrollHeight; };
  if (scroller) {
    toEnd();
    scroller.addEventListener("scroll", () => { wasAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80; }, { passive: true });
    scroller.addEventListener("load", () => { if (wasAtEnd) toEnd(); }, true);
  }

  // --- the countdown of the 24 hours -----------------------------------------------------------------------------------------

  function count() {
    const clock = one("#window");
    if (!clock || !clock.dataset.until) return;
    const minutes = Math.floor((Date.parse(clock.dataset.until) - Date.now()) / 60000);
    const words = one("span", clock);
    clock.classList.toggle("closed", minutes < 1);
    clock.classList.toggle("soon", minutes >= 1 && minutes < 60);
    const short = new Intl.NumberFormat(document.documentElement.lang, minutes < 60 ? { style: "unit", unit: "minute" } : { style: "unit", unit: "hour" });
    const left = minutes < 60 ? short.format(minutes) : short.format(Math.floor(minutes / 60));
    words.textContent = minutes < 1 ? clock.dataset.over : clock.dataset.left.replace("{}", left);
  }
  setInterval(count, 15000);
  count();

  // --- who else is here ---------------------------------------------------------------------------------------------------------

  async function beat() {
    if (document.visibilityState !== "visible") return;
    const form = new URLSearchParams({ typing: Date.now() - typedAt < 5000 ? "1" : "0" });
    try {
      const answer = await fetch(pane.dataset.presence, {
        method: "POST", body: form, credentials: "same-origin",
        headers: { "X-CSRFToken": one("meta[name=csrf-token]").content, Accept: "application/json" },
      });
      if (!answer.ok) return;
      const told = (await answer.json()).here.map((someone) => someone.text).join(" · ");
      const shown = one("#presence");
      if (shown && shown.textContent !== told) shown.textContent = told;
    } catch { /* Nobody is shown until the connection is back. */ }
  }
  if (pane && one("#composer")) {
    beat();
    setInterval(beat, 3000);
    document.addEventListener("visibilitychange", beat);
  }

  // --- sound and notifications ---------------------------------------------------------------------------------------------------

  const wanted = () => localStorage.getItem("inbox-alerts") === "1";
  let sound = null;
  let heard = signals();

  function signals() {
    const told = one("#signals");
    return told ? JSON.parse(told.dataset.signals) : {};
  }

  function listen() {
    const fresh = signals();
    const known = heard;
    heard = fresh;
    if (wanted() && Object.keys(fresh).some((task) => !(task in known) || fresh[task] > known[task])) alert_();
  }

  function alert_() {
    ring();
    if (document.visibilityState !== "visible" && "Notification" in window && Notification.permission === "granted") {
      // No name and no words: a notification is read on other people's screens.
      const note = new Notification("Pakka", { body: one("#alerts").dataset.words, tag: "inbox" });
      note.onclick = () => { window.focus(); note.close(); };
    }
  }

  function ring() {
    sound = sound || new AudioContext();
    const at = sound.currentTime;
    for (const [start, pitch] of [[0, 660], [0.14, 880]]) {
      const tone = sound.createOscillator();
      const volume = sound.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, at + start);
      volume.gain.exponentialRampToValueAtTime(0.12, at + start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + start + 0.3);
      tone.connect(volume).connect(sound.destination);
      tone.start(at + start);
      tone.stop(at + start + 0.32);
    }
  }

  function offerAlerts() {
    const button = one("#alerts");
    if (!button) return;
    button.hidden = false;
    button.setAttribute("aria-pressed", String(wanted()));
  }
  offerAlerts();
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#alerts")) return;
    localStorage.setItem("inbox-alerts", wanted() ? "0" : "1");
    offerAlerts();
    if (!wanted()) return;
    ring();
    if ("Notification" in window && Notification.permission === "default") Notification.requestPermission();
  });

  // --- keys ------------------------------------------------------------------------------------------------------------------------

  function step(by) {
    const rows = all(".task, [data-row]");
    if (!rows.length) return;
    const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
    const from = at >= 0 ? at : rows.findIndex((row) => row.classList.contains("current"));
    const next = rows[Math.max(0, Math.min(rows.length - 1, from < 0 ? 0 : from + by))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    if (one(".inbox.open") && next.href && !next.classList.contains("current")) next.click();
  }

  function press(key) {
    const row = document.activeElement.closest("[data-row]");
    const button = one(`[data-key="${CSS.escape(key)}"]`, row || document);
    if (!button || (one("[data-row]") && !row)) return false;
    button.click();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select");
    if (field && field.id === "body" && !one("#canned").hidden && offered().length) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); pick(event.key === "ArrowDown" ? 1 : -1); return; }
      if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); take(offered().find((answer) => answer.classList.contains("picked")) || offered()[0]); return; }
    }
    if (event.key === "Escape" && field) {
      if (one("#canned") && !one("#canned").hidden) showCanned(false);
      else field.blur();
      return;
    }
    if (field && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      field.form.requestSubmit();
      return;
    }
    if ((field && field.type !== "radio") || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const deeds = {
      j: () => step(1), k: () => step(-1), r: () => mode("reply"), n: () => mode("note"), t: () => mode("template"),
      "/": () => mode("reply") && showCanned(true),
    };
    if (deeds[event.key]) {
      event.preventDefault();
      deeds[event.key]();
    } else if (/^[1-9aes]$/.test(event.key) && press(event.key)) event.preventDefault();
  });
})();
