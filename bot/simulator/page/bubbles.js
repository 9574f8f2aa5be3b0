// Draw the messages of a chat as bubbles.

import { clockTime, dayName, el, icon } from "./api.js";

const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\s){1,12}$/u;
const STATES = { accepted: "on its way", sent: "sent, not on the phone yet" };
const TICKS = { accepted: "clock", sent: "tick", delivered: "ticks", read: "ticks", played: "ticks" };

// Turn *bold*, _italic_, ~struck~, ```code``` and links into nodes.
export function formatted(text) {
  const node = el("div.words", { dir: "auto" });
  const pattern = /```([^`]+)```|\*([^*\s](?:[^*\n]*[^*\s])?)\*|(?<![\w])_([^_\s](?:[^_\n]*[^_\s])?)_(?![\w])|~([^~\s](?:[^~\n]*[^~\s])?)~|(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])/g;
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    node.append(text.slice(last, match.index));
    if (match[1]) node.append(el("code", {}, match[1]));
    else if (match[2]) node.append(el("strong", {}, match[2]));
    else if (match[3]) node.append(el("em", {}, match[3]));
    else if (match[4]) node.append(el("s", {}, match[4]));
    else node.append(el("a", { href: match[5], target: "_blank", rel: "noopener noreferrer" }, match[5]));
    last = match.index + match[0].length;
  }
  node.append(text.slice(last));
  return node;
}

export function ticks(status, whose) {
  if (!TICKS[status]) return null;
  const title = whose === "business" ? `The business sees: ${status}` : { sent: "Waiting for the webhook", delivered: "The webhook was answered", read: "The business marked it as read" }[status];
  const mark = icon(TICKS[status], `ticks ${status === "read" || status === "played" ? "blue" : ""}`);
  return el("span.mark", { title, role: "img", "aria-label": title }, mark);
}

export function preview(message) {
  if (!message) return "";
  if (message.text) return message.text.replace(/```|(?<!\w)[*_~](?=\S)|(?<=\S)[*_~](?!\w)/g, "").replace(/\s+/g, " ");
  if (message.media) return { image: "📷 Photo", video: "🎥 Video", audio: message.media.voice ? "🎤 Voice note" : "🎵 Audio", document: "📄 Document", sticker: "Sticker" }[message.media.kind] || "File";
  if (message.location) return "📍 Location";
  if (message.contacts) return "👤 Contact";
  return message.note || message.type;
}

function voice(media, played) {
  const audio = el("audio", { src: media.url, preload: "none" });
  const bars = el("span.wave", { "aria-hidden": "true" });
  for (const height of "1246352135642531243652413241") bars.append(el(`i.h${height}`));
  const button = el("button.icon", { type: "button", "aria-label": "Play the voice note" }, icon("play"));
  const draw = () => {
    button.replaceChildren(icon(audio.paused ? "play" : "pause"));
    const share = audio.duration ? audio.currentTime / audio.duration : 0;
    [...bars.children].forEach((bar, i) => bar.classList.toggle("on", i / bars.children.length < share));
  };
  button.addEventListener("click", () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()));
  if (played) audio.addEventListener("play", played, { once: true });
  for (const event of ["play", "pause", "ended", "timeupdate"]) audio.addEventListener(event, draw);
  return el("div.voice", {}, button, bars, audio);
}

function media(item, played) {
  if (!item.url) return el("div.file", {}, icon("file"), el("span", {}, item.filename || item.kind));
  const own = item.url.startsWith("/sim/");
  if (own && item.kind === "sticker") return el("img.sticker", { src: item.url, alt: "Sticker" });
  if (own && item.kind === "image") return el("img.photo", { src: item.url, alt: "Photo", loading: "lazy" });
  if (own && item.kind === "video") return el("video.photo", { src: item.url, controls: true, preload: "metadata" });
  if (own && item.kind === "audio") return voice(item, played);
  const name = item.filename || item.url.split("/").pop() || item.kind;
  return el("a.file", { href: item.url, target: "_blank", rel: "noopener noreferrer" }, icon("file"), el("span", { dir: "auto" }, name));
}

function place(location) {
  const at = `${Number(location.latitude).toFixed(5)}, ${Number(location.longitude).toFixed(5)}`;
  return el("div.place", {}, el("div.map", { "aria-hidden": "true" }, icon("pin")),
    location.name && el("strong", { dir: "auto" }, location.name), location.address && el("span", { dir: "auto" }, location.address), el("small", {}, at));
}

function quoted(message, all) {
  const original = all.get(message.quotes);
  const words = original ? preview(original) : "Message";
  return el("div.quoted", { "data-to": message.quotes }, el("b", {}, original?.from === "shopper" ? "You" : "Business"), el("span", { dir: "auto" }, words.slice(0, 120)));
}

const BUTTON_ICONS = { url: "link", phone_number: "call", location: "pin", address: "pin", flow: "list", share_phone: "person", quick_reply: "reply" };

function buttons(message, act) {
  const box = el("div.choices");
  if (message.list) box.append(el("button", { type: "button", onclick: () => act("list", message) }, icon("list"), el("span", { dir: "auto" }, message.list.button)));
  let reply = -1;
  for (const button of message.buttons || []) {
    if (button.kind === "quick_reply") reply += 1;
    const index = reply;
    box.append(el("button", { type: "button", onclick: () => act(button.kind, message, index, button) }, icon(BUTTON_ICONS[button.kind] || "link"), el("span", { dir: "auto" }, button.title)));
  }
  return box.children.length ? box : null;
}

// Draw one message; `all` finds quoted messages by wamid, `act` is called with what was tapped.
export function bubble(message, all, act) {
  if (message.status === "failed") {
    return el("div.notice.failed", { "data-id": message.wamid, title: message.error?.details },
      el("b", {}, `Not delivered (${message.error?.code ?? "?"}) `), el("span", {}, message.error?.title || ""), el("q", { dir: "auto" }, preview(message).slice(0, 90)));
  }
  if (message.type === "system") return el("div.notice", { "data-id": message.wamid }, message.text);
  const mine = message.from === "shopper";
  const body = el("div.body", { tabindex: "0" });
  const big = message.type === "text" && message.text && EMOJI_ONLY.test(message.text) && /\p{Extended_Pictographic}/u.test(message.text);
  if (message.quotes) body.append(quoted(message, all));
  if (message.header) body.append(el("strong.header", { dir: "auto" }, message.header));
  if (message.media) body.append(media(message.media, !mine && message.status !== "played" ? () => act("play", message) : null));
  if (message.location) body.append(place(message.location));
  for (const card of message.contacts || []) body.append(el("div.card", {}, icon("person"), el("span", {}, el("b", { dir: "auto" }, card.name), el("small", {}, card.phone))));
  if (message.note && !message.text) body.append(el("em.muted", {}, message.note));
  const words = message.text ? formatted(message.text) : null;
  if (words) body.append(words);
  if (message.footer) body.append(el("small.footer", { dir: "auto" }, message.footer));
  const mark = mine || message.shown ? ticks(message.status, message.from) : null;
  // Inside the words the time stands at the end of the last line, whichever way the script runs.
  (message.footer ? body : words || body).append(el("span.meta", { dir: "ltr" }, message.note === "edited" ? "edited " : "", clockTime(message.at), mark));
  const classes = ["row", mine ? "mine" : "theirs", big && "big", message.media?.kind === "sticker" && "bare", !message.shown && "coming"].filter(Boolean);
  const row = el(`div.${classes.join(".")}`, { "data-id": message.wamid }, el("div.bubble", {}, body, !mine && message.shown ? buttons(message, act) : null));
  if (!message.shown) row.append(el("small.state", {}, STATES[message.status] || message.status));
  if (message.reaction) row.append(el("span.reaction", { "aria-label": "Reaction" }, message.reaction));
  if (message.shown) {
    const tools = el("span.tools", {}, el("button.icon", { type: "button", title: "Reply", "aria-label": "Reply", onclick: () => act("quote", message) }, icon("reply")));
    if (!mine) tools.append(el("button.icon", { type: "button", title: "React", "aria-label": "React", onclick: (e) => act("react", message, 0, e.currentTarget) }, icon("smile")));
    row.append(tools);
  }
  return row;
}

// Draw a whole chat into `box`, touching only what has changed.
export function drawChat(box, chat, now, act) {
  const all = new Map(chat.messages.map((message) => [message.wamid, message]));
  const old = new Map([...box.children].map((node) => [node.dataset.key, node]));
  const wanted = [];
  let day = "";
  const add = (key, make) => {
    const node = old.get(key) || make();
    node.dataset.key = key;
    wanted.push(node);
  };
  for (const message of chat.messages) {
    if (message.type === "reaction") continue;
    const name = dayName(message.at, now);
    if (name !== day) add(`day ${(day = name)}`, () => el("div.day", {}, el("span", {}, name)));
    add(JSON.stringify(message), () => bubble(message, all, act));
  }
  if (chat.typing) add("typing", () => el("div.row.theirs", {}, el("div.bubble.typing", { "aria-label": "The business is typing" }, el("i"), el("i"), el("i"))));
  if (!chat.messages.length) add("hello", () => el("div.notice.hello", {}, `This is the beginning of the chat with ${chat.business}. Write something, or wait for the business to write.`));
  wanted.forEach((node, i) => {
    if (box.children[i] !== node) box.insertBefore(node, box.children[i] || null);
  });
  while (box.children.length > wanted.length) box.lastChild.remove();
}
