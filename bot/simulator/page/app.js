// The page: the list of phones, one open phone, and what lies behind the glass.

import { clockTime, dayName, el, get, hue, icon, initials, patch, post, prettyNumber } from "./api.js";
import { drawChat, preview, ticks } from "./bubbles.js";
import { askAddress, askContact, askFile, askForm, askPhone, askReaction, pickLocation, pickRow } from "./sheets.js";

const $ = (id) => document.getElementById(id);
const state = { phones: [], phone: "", number: "", seq: 0, offset: 0, rate: 1, quote: "", health: {} };
const now = () => (state.rate ? Date.now() / 1000 * state.rate + state.offset : state.offset);

function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 4500);
}

async function attempt(work) {
  try { return await work(); } catch (error) { toast(error.message); return null; }
}

// --- the list -------------------------------------------------------------------------------------

const chatOf = (phone) => phone.chats.find((c) => c.number === state.number) || phone.chats[0];

function person(phone) {
  const chat = chatOf(phone);
  const last = chat?.last;
  const unread = phone.chats.reduce((sum, c) => sum + c.unread, 0);
  const when = last ? (dayName(last.at, now()) === "Today" ? clockTime(last.at) : dayName(last.at, now()).replace(/,? \d{4}/, "")) : "";
  return el(`button.person${phone.wa_id === state.phone ? ".on" : ""}`, { type: "button", "data-phone": phone.wa_id, "aria-current": phone.wa_id === state.phone ? "true" : null },
    el(`span.avatar.${hue(phone.wa_id)}`, { "aria-hidden": "true" }, initials(phone.name)),
    el("span.name", {}, el("b", { dir: "auto" }, phone.name), el("time", {}, when)),
    el("span.last", {}, last?.from === "shopper" ? ticks(last.status, "shopper") : null,
      el("span", { dir: "auto" }, last ? preview(last) : prettyNumber(phone.wa_id)), unread ? el("i.unread", { "aria-label": `${unread} unread` }, String(unread)) : null, !phone.online && el("i.chip", {}, "offline")));
}

async function drawPeople() {
  const words = $("search").value.trim();
  const { phones: found, total } = await get(`/phones?limit=200&q=${encodeURIComponent(words)}`);
  if (words !== $("search").value.trim()) return; // an older search that took longer
  state.phones = found;
  const focused = document.activeElement?.dataset?.phone;
  $("people").replaceChildren(...found.map((p) => el("li", {}, person(p))));
  if (focused) $("people").querySelector(`[data-phone="${focused}"]`)?.focus();
  $("nobody").hidden = found.length > 0;
  $("nobody").textContent = total ? "No phone matches." : "Nobody is here yet. + adds a phone; one also appears when your bot writes to it.";
  $("empty-title").textContent = total ? "Pick a phone" : "No phones yet";
  $("empty-text").textContent = total ? "Choose a phone on the left to read its chat and answer as its owner." : "When your bot writes to a number, its phone appears here. Or add a phone and write to the bot first.";
  await drawGlass();
}

// --- one phone ------------------------------------------------------------------------------------

async function open(phone, number = "") {
  const known = state.phones.find((p) => p.wa_id === phone);
  state.phone = phone;
  state.number = number || chatOf(known || { chats: [] })?.number || state.number || state.health.phone_number_id;
  quote("");
  document.body.dataset.view = "chat";
  $("empty").hidden = true;
  $("device").hidden = false;
  $("chat").replaceChildren();
  grow();
  location.hash = phone;
  await Promise.all([drawPhone(true), attempt(drawPeople)]);
  if (matchMedia("(pointer: fine)").matches) $("text").focus();
}

function leave() {
  state.phone = "";
  document.body.dataset.view = "list";
  $("device").hidden = true;
  $("empty").hidden = false;
  location.hash = "";
  attempt(drawPeople);
}

// A bubble that is replaced between press and release would lose the tap.
let pressed = null;
$("chat").addEventListener("pointerdown", () => {
  pressed = new Promise((resolve) => {
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(resolve), { once: true });
  });
});

async function drawPhone(toEnd = false) {
  if (!state.phone) return;
  const phone = state.phone;
  const chat = await get(`/phones/${phone}/chat?number=${state.number}&all=1`);
  await pressed;
  if (phone !== state.phone) return;
  const box = $("chat");
  const atEnd = toEnd || box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  $("business").textContent = chat.business;
  $("business-avatar").textContent = initials(chat.business);
  $("presence").textContent = chat.typing ? "typing…" : "Business account";
  $("presence").classList.toggle("live", chat.typing);
  drawChat(box, chat, now(), act);
  if (atEnd) box.scrollTop = box.scrollHeight;
  $("jump").hidden = atEnd;
  if (document.visibilityState === "visible" && chat.messages.some((m) => m.from === "business" && m.status === "delivered")) {
    await post(`/phones/${phone}/read`, { number: state.number });
  }
}

const send = (body) => attempt(async () => {
  const reply = state.quote ? { reply_to: state.quote } : {};
  quote("");
  await post(`/phones/${state.phone}/send`, { number: state.number, ...reply, ...body });
  await drawPhone(true);
});

function quote(wamid, words = "") {
  state.quote = wamid;
  $("quote").hidden = !wamid;
  $("quote").firstElementChild.textContent = words;
  if (wamid) $("text").focus();
}

// A button, a list or a tool of a bubble was used.
async function act(kind, message, index, extra) {
  if (kind === "quick_reply") return send({ type: "tap", wamid: message.wamid, index });
  if (kind === "list") {
    const row = await pickRow(message.list);
    return row == null ? null : send({ type: "pick", wamid: message.wamid, index: row });
  }
  if (kind === "quote") return quote(message.wamid, preview(message).slice(0, 140));
  if (kind === "react") {
    const emoji = await askReaction(message);
    return emoji == null ? null : send({ type: "reaction", wamid: message.wamid, emoji });
  }
  if (kind === "location") {
    const place = await pickLocation();
    return place && send({ type: "location", reply_to: message.wamid, ...place });
  }
  if (kind === "address") {
    const values = await askAddress(message);
    return values && send({ type: "address", wamid: message.wamid, values });
  }
  if (kind === "flow") {
    const response = await askForm();
    return response && send({ type: "flow", wamid: message.wamid, response });
  }
  if (kind === "play") return attempt(() => post(`/phones/${state.phone}/send`, { type: "play", number: state.number, wamid: message.wamid }));
  if (kind === "share_phone") return send({ type: "share_phone", wamid: message.wamid });
  if (kind === "url" && extra.url) return window.open(extra.url, "_blank", "noopener,noreferrer");
  return toast("This button does nothing here.");
}

function chooseFile(kind) {
  const input = $("file");
  input.accept = { image: "image/*", video: "video/*", document: "" }[kind];
  input.value = "";
  input.onchange = async () => {
    const [file] = input.files;
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    let binary = "";
    for (let i = 0; i < bytes.length; i += 32768) binary += String.fromCharCode(...bytes.subarray(i, i + 32768));
    await send({ type: kind, data: btoa(binary), mime: file.type || "application/octet-stream", filename: file.name });
  };
  input.click();
}

async function attach(kind) {
  toggleAttach(false);
  if (kind === "location") {
    const place = await pickLocation();
    if (place) await send({ type: "location", ...place });
  } else if (kind === "contacts") {
    const card = await askContact();
    if (card) await send({ type: "contacts", ...card });
  } else if (["image", "document", "video"].includes(kind)) {
    const choice = await askFile(kind);
    if (choice === "sample") await send({ type: kind });
    else if (choice === "own") chooseFile(kind);
  } else {
    await send({ type: kind });
  }
}

function toggleAttach(show = $("attach").hidden) {
  $("attach").hidden = !show;
  $("plus").setAttribute("aria-expanded", String(show));
  if (show) $("attach").firstElementChild.focus();
}

// --- behind the glass -----------------------------------------------------------------------------

async function drawGlass() {
  const wanted = state.phone;
  const phone = state.phones.find((p) => p.wa_id === wanted) || (wanted ? await get(`/phones/${wanted}`) : null);
  if (wanted !== state.phone) return;
  $("switches").hidden = !phone;
  $("window-state").parentElement.hidden = !phone;
  if (!phone) return;
  const chat = phone.chats.find((c) => c.number === state.number);
  const left = (chat?.window_until || 0) - now();
  const hours = Math.floor(left / 3600);
  $("window-state").className = chat?.window_open ? "good" : "bad";
  $("window-state").textContent = chat?.window_open ? (left > 0 ? `Open for ${hours ? `${hours} h ` : ""}${Math.floor(left / 60) % 60} min` : "Open") : "Closed: only templates reach this phone";
  for (const input of document.querySelectorAll("[data-switch]")) input.checked = phone[input.dataset.switch];
  if (document.activeElement !== $("rename")) $("rename").value = phone.name;
  $("phone-number").textContent = prettyNumber(phone.wa_id);
  $("phone-bsuid").textContent = phone.bsuid;
}

async function drawSystem() {
  const [health, { webhooks }] = await Promise.all([get("/health"), get("/webhooks?limit=1")]);
  state.health = health;
  state.rate = health.rate;
  state.offset = health.rate ? health.now - Date.now() / 1000 * health.rate : health.now;
  const last = webhooks[0]?.attempts.at(-1);
  const bad = health.webhook_url && last && last.status !== 200;
  $("webhook-url").textContent = health.webhook_url || "";
  $("webhook-state").className = !health.webhook_url || bad ? "bad" : "good";
  $("webhook-state").textContent = !health.webhook_url ? "No callback is set: nobody hears these phones" : bad ? `The bot does not answer (${last.status || last.error}); repeating` : last ? "The bot answers" : "Nothing sent yet";
  $("rate").textContent = health.rate === 0 ? "frozen" : health.rate === 1 ? "" : `× ${health.rate}`;
  $("rate").hidden = health.rate === 1;
  $("freeze").textContent = health.rate ? "Freeze" : "Run";
  $("freeze").dataset.clock = health.rate ? '{"freeze":true}' : '{"rate":1}';
  const origin = location.origin;
  $("setup").textContent = `GRAPH_API_URL=${origin}\nphone number id   ${health.phone_number_id}\nbusiness account  ${health.waba_id}\naccess token      ${health.any_token ? "any" : "as given at start"}\n\ncurl -X PATCH ${origin}/sim/app -d '{"webhook_url": "http://127.0.0.1:8000/webhooks/whatsapp"}'`;
  const { numbers } = await get("/numbers");
  $("number").hidden = numbers.length < 2;
  if ($("number").children.length !== numbers.length) {
    $("number").replaceChildren(...numbers.map((n) => el("option", { value: n.id }, n.name)));
  }
  $("number").value = state.number;
}

function tick() {
  const text = clockTime(now());
  if ($("device-time").textContent !== text) $("device-time").textContent = text;
  $("now").textContent = new Date(now() * 1000).toLocaleString([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

// --- live -----------------------------------------------------------------------------------------

async function watch() {
  for (;;) {
    try {
      const news = await get(`/changes?after=${state.seq}&timeout=25`);
      $("connection").textContent = "";
      state.seq = news.seq;
      if (news.changes.length || news.missed) {
        const mine = news.missed || news.changes.some((c) => c.phone === state.phone || c.kind === "reset" || c.kind === "clock");
        await Promise.all([drawPeople(), mine && drawPhone(), drawSystem()]);
        await new Promise((resolve) => setTimeout(resolve, 120));
      }
    } catch {
      $("connection").textContent = "The simulator is not running";
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }
}

// --- hands and keys -------------------------------------------------------------------------------

function move(step) {
  const rows = [...document.querySelectorAll("[data-phone]")];
  const at = rows.findIndex((row) => row.dataset.phone === state.phone);
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  if (next) open(next.dataset.phone);
}

function grow() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 132)}px`;
  $("composer").classList.toggle("has-text", text.value.trim() !== "");
  $("send").setAttribute("aria-label", text.value.trim() ? "Send" : "Send a voice note");
}

async function addPhone() {
  const given = await askPhone();
  if (!given) return;
  const made = await attempt(() => post("/phones", { phone: given.phone, ...(given.name ? { name: given.name } : {}) }));
  if (made) await open(made.wa_id);
}

$("people").addEventListener("click", (event) => {
  const row = event.target.closest("[data-phone]");
  if (row) open(row.dataset.phone);
});
$("search").addEventListener("input", () => attempt(drawPeople));
$("add").addEventListener("click", addPhone);
$("empty-add").addEventListener("click", addPhone);
$("back").addEventListener("click", leave);
$("call").addEventListener("click", async () => { if (await send({ type: "call" }) !== null) toast("Calling… the business was rung."); });
$("plus").addEventListener("click", () => toggleAttach());
$("attach").addEventListener("click", (event) => {
  const item = event.target.closest("[data-attach]");
  if (item) attach(item.dataset.attach);
});
$("quote").querySelector("button").addEventListener("click", () => quote(""));
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if ($("text").value.trim()) $("composer").requestSubmit();
  }
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  $("text").value = "";
  grow();
  send(text ? { type: "text", text } : { type: "voice" });
});
$("chat").addEventListener("scroll", () => {
  const box = $("chat");
  $("jump").hidden = box.scrollHeight - box.scrollTop - box.clientHeight < 120;
});
$("chat").addEventListener("click", (event) => {
  const target = event.target.closest("[data-to]");
  if (target) $("chat").querySelector(`[data-id="${CSS.escape(target.dataset.to)}"]`)?.scrollIntoView({ block: "center", behavior: "smooth" });
});
$("jump").addEventListener("click", () => { $("chat").scrollTop = $("chat").scrollHeight; });
$("number").addEventListener("change", () => open(state.phone, $("number").value));
$("glass").addEventListener("change", (event) => {
  const name = event.target.dataset.switch;
  if (name) attempt(() => patch(`/phones/${state.phone}`, { [name]: event.target.checked }));
});
$("rename").addEventListener("change", () => attempt(() => patch(`/phones/${state.phone}`, { name: $("rename").value.trim() || prettyNumber(state.phone) })));
$("glass").addEventListener("click", (event) => {
  const body = event.target.dataset.clock;
  if (body) attempt(() => post("/clock", JSON.parse(body)));
});
for (const id of ["glass-toggle", "glass-close"]) {
  $(id).addEventListener("click", () => {
    const shown = matchMedia("(min-width: 1180px)").matches ? !document.body.classList.contains("no-glass") : document.body.classList.contains("show-glass");
    document.body.classList.toggle("no-glass", shown);
    document.body.classList.toggle("show-glass", !shown);
  });
}
$("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme.trim() === "dark";
  localStorage.setItem("theme", (document.documentElement.dataset.theme = dark ? "light" : "dark"));
});
document.addEventListener("keydown", (event) => {
  const typing = /INPUT|TEXTAREA|SELECT/.test(event.target.tagName);
  if (event.key === "/" && !typing) { event.preventDefault(); $("search").focus(); }
  if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
  if (event.key === "Escape" && !$("sheet").open) { toggleAttach(false); quote(""); document.body.classList.remove("show-glass"); }
});
document.addEventListener("visibilitychange", () => attempt(() => drawPhone()));
addEventListener("hashchange", () => { const phone = location.hash.slice(1); if (phone && phone !== state.phone) open(phone); });

if (localStorage.getItem("theme")) document.documentElement.dataset.theme = localStorage.getItem("theme");
grow();
setInterval(tick, 500);
await attempt(async () => {
  await drawSystem();
  tick();
  state.number = state.health.phone_number_id;
  await drawPeople();
  const wanted = location.hash.slice(1);
  const first = state.phones.find((p) => p.wa_id === wanted) || (matchMedia("(min-width: 760px)").matches ? state.phones[0] : null);
  if (first) await open(first.wa_id);
});
watch();
