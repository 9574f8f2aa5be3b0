// Asks the server whether anything on the page has changed. In a worker, because browsers slow the timers of pages in
// the background down to one a minute, and an agent in another tab wants to hear of a waiting shopper sooner.

let known = {};
let address = "";
let etag = "";
let visible = true;
let failures = 0;
let timer = 0;

const SHOWN = 800;
const HIDDEN = 4000;
const LONGEST = 15000;

async function look() {
  clearTimeout(timer);
  try {
    const answer = await fetch(address, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store", credentials: "same-origin" });
    if (answer.status === 401) {
      postMessage({ signedOut: true });
      return;
    }
    if (answer.status === 200) {
      etag = answer.headers.get("ETag") || "";
      const fresh = await answer.json();
      const changed = Object.keys(fresh).filter((topic) => known[topic] !== fresh[topic]);
      known = fresh;
      if (changed.length) postMessage({ changed, known });
    } else if (answer.status !== 304) {
      throw new Error(String(answer.status));
    }
    if (failures) postMessage({ back: true });
    failures = 0;
  } catch {
    failures += 1;
    if (failures === 2) postMessage({ lost: true });
  }
  const pause = failures ? Math.min(LONGEST, SHOWN * 2 ** failures) : visible ? SHOWN : HIDDEN;
  timer = setTimeout(look, pause);
}

onmessage = (event) => {
  if (event.data.state) {
    known = event.data.state;
    const topics = new URLSearchParams(Object.keys(known).map((topic) => ["t", topic]));
    address = `${event.data.address}?${topics}`;
  }
  visible = event.data.visible;
  if (visible || event.data.state) look();
};
