// The sheets that slide up on the phone: list picker, location, contact, address, reactions, a new phone.

import { el, icon } from "./api.js";

const PLACES = [
  ["Connaught Place, New Delhi", 28.6315, 77.2167], ["Bandra West, Mumbai", 19.0596, 72.8295],
  ["Koramangala, Bengaluru", 12.9352, 77.6245], ["T. Nagar, Chennai", 13.0418, 80.2341],
  ["Gulshan-e-Iqbal, Karachi", 24.9204, 67.0971], ["Dhanmondi, Dhaka", 23.7461, 90.3742],
  ["Al Olaya, Riyadh", 24.6944, 46.6853], ["Nasr City, Cairo", 30.0561, 31.3301],
];

const ADDRESS_FIELDS = [
  ["name", "Name"], ["phone_number", "Phone number"], ["in_pin_code", "PIN code"], ["house_number", "House number"],
  ["floor_number", "Floor"], ["building_name", "Building"], ["address", "Street and area"], ["landmark_area", "Landmark"],
  ["city", "City"], ["state", "State"],
];

// Show a sheet and return a promise of what was chosen, or null when it was closed.
function ask(title, build) {
  const sheet = document.getElementById("sheet");
  return new Promise((resolve) => {
    let value = null;
    const done = (chosen) => { value = chosen; sheet.close(); };
    const close = el("button.icon", { type: "button", "aria-label": "Close", onclick: () => done(null) }, icon("close"));
    sheet.replaceChildren(el("header", {}, el("h2", { dir: "auto" }, title), close), build(done));
    sheet.addEventListener("close", () => resolve(value), { once: true });
    sheet.onclick = (event) => { if (event.target === sheet) done(null); };
    sheet.showModal();
  });
}

function form(fields, action, done, ...before) {
  const inputs = fields.map(([name, label, value = "", attributes = {}]) =>
    el("label.field", {}, label, el("input", { name, value, dir: "auto", ...attributes })));
  if (!before.length) inputs[0].querySelector("input").setAttribute("autofocus", "");
  return el("form", { onsubmit: (event) => { event.preventDefault(); done(Object.fromEntries(new FormData(event.target))); } },
    ...before, ...inputs, el("button.primary", { type: "submit" }, action));
}

export function pickRow(list) {
  return ask(list.button, (done) => {
    const rows = [];
    let index = 0;
    for (const section of list.sections) {
      if (section.title) rows.push(el("h3", { dir: "auto" }, section.title));
      for (const row of section.rows) {
        const value = index;
        rows.push(el("label.option", {}, el("span", {}, el("b", { dir: "auto" }, row.title), row.description && el("small", { dir: "auto" }, row.description)),
          el("input", { type: "radio", name: "row", value, required: true, checked: value === 0, autofocus: value === 0 })));
        index += 1;
      }
    }
    return el("form", { onsubmit: (event) => { event.preventDefault(); done(Number(new FormData(event.target).get("row"))); } },
      el("div.options", {}, ...rows), el("button.primary", { type: "submit" }, "Send"));
  });
}

export function pickLocation() {
  return ask("Send a location", (done) => {
    const places = PLACES.map(([name, latitude, longitude]) => el("button.option", { type: "button", autofocus: name === PLACES[0][0], onclick: () => done({ latitude, longitude, name }) }, icon("pin"), el("span", {}, el("b", {}, name), el("small", {}, `${latitude}, ${longitude}`))));
    const number = { type: "number", step: "any", required: true };
    const own = form([["latitude", "Latitude", "", { ...number, min: -90, max: 90 }], ["longitude", "Longitude", "", { ...number, min: -180, max: 180 }]], "Send this point", (v) => done({ latitude: Number(v.latitude), longitude: Number(v.longitude) }));
    own.classList.add("pair");
    return el("div.scroll", {}, ...places, own);
  });
}

export const askContact = () => ask("Send a contact", (done) => form([["name", "Name", "", { required: true }], ["phone", "Phone", "+91 ", { required: true, type: "tel", pattern: "\\+?[0-9 \\-]{6,20}" }]], "Send", done));

export function askAddress(message) {
  const given = message.form?.values || {};
  const errors = message.form?.validation_errors || {};
  return ask("Delivery address", (done) => form(ADDRESS_FIELDS.map(([name, label]) => [name, errors[name] ? `${label} — ${errors[name]}` : label, given[name] || ""]), "Send address", done));
}

export const askForm = () => ask("Form", (done) => form([["answer", "Answer", "", { required: true }]], "Submit", done));

export const askPhone = () => ask("Add a phone", (done) => form([["phone", "Number with country code", "+91 ", { required: true, type: "tel", pattern: "\\+?[0-9 \\-\\(\\)]{7,24}" }], ["name", "Name", ""]], "Add", done));

export function askReaction(message) {
  return ask("React", (done) => el("div.reactions", {}, ...["👍", "❤️", "😂", "😮", "😢", "🙏"].map((emoji) => el("button", { type: "button", "aria-label": `React with ${emoji}`, onclick: () => done(emoji) }, emoji)),
    message.reaction && el("button.text", { type: "button", onclick: () => done("") }, "Remove")));
}

export function askFile(kind) {
  return ask({ image: "Send a photo", document: "Send a document", video: "Send a video" }[kind], (done) => el("div.scroll", {},
    el("button.option", { type: "button", onclick: () => done("sample") }, icon(kind === "document" ? "file" : "photo"), el("span", {}, el("b", {}, "A sample"), el("small", {}, "ready at hand"))),
    el("button.option", { type: "button", onclick: () => done("own") }, icon("plus"), el("span", {}, el("b", {}, "Choose a file"), el("small", {}, "from this computer")))));
}
