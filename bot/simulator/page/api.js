// Talk to the control API. Every function returns parsed JSON or throws an Error with a sentence.

export async function call(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(`/sim${path}`, options);
  const json = await answer.json().catch(() => ({ error: `HTTP ${answer.status}` }));
  if (!answer.ok) throw new Error(json.error || `HTTP ${answer.status}`);
  return json;
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);

// Make an element: el("p.note", { title: "…" }, "text", child). Text is never parsed as HTML.
export function el(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  if (className) svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

export function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 && !/^\d/.test(words[1]) ? [words[0], words[1]] : [words[0]];
  return letters.map((word) => [...word][0] || "").join("").toUpperCase();
}

export const hue = (text) => `hue${[...text].reduce((sum, ch) => sum + ch.charCodeAt(0), 0) % 8}`;
export const clockTime = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export function dayName(at, now) {
  const day = (t) => new Date(t * 1000).toDateString();
  if (day(at) === day(now)) return "Today";
  if (day(at) === day(now - 86400)) return "Yesterday";
  return new Date(at * 1000).toLocaleDateString([], { weekday: "short", day: "numeric", month: "short", year: "numeric" });
}

export function prettyNumber(digits) {
  if (/^91\d{10}$/.test(digits)) return `+91 ${digits.slice(2, 7)} ${digits.slice(7)}`;
  if (/^92\d{10}$/.test(digits)) return `+92 ${digits.slice(2, 5)} ${digits.slice(5)}`;
  return `+${digits}`;
}
