// Hears from the server whether anything on the page has changed. In a worker, because browsers slow the timers of pages
// in the background down to one a minute, and an agent in another tab wants to hear of a waiting shopper sooner.
//
// A page that is looked at has a stream of news open. One in the background asks now and then, because a browser has six
// connections to a server for all of its tabs; and so does one whose stream is kept back by a proxy.

let known = {};
let address = "";
let etag = "";
let visible = true;
let streams = false;
let stream = null;
let failures = 0;
let timer = 0;

const SHOWN = 800;
const HIDDEN = 4000;
const LONGEST = 15000;
const FIRST_WORD = 3000;
const SILENCE = 25000;
const AGAIN = 60000;

// What is new: topic -> for how many seconds the server has known of it.
function learn(told) {
  const news = Object.entries(told).filter(([topic, [mark]]) => known[topic] !== mark);
  for (const [topic, [mark]] of news) known[topic] = mark;
  if (news.length) postMessage({ news: news.map(([topic, [, age]]) => [topic, age]) });
  if (failures) postMessage({ back: true });
  failures = 0;
}

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
      learn(await answer.json());
    } else if (answer.status === 304) {
      learn({});
    } else {
      throw new Error(String(answer.status));
    }
  } catch {
    failures += 1;
    if (failures === 2) postMessage({ lost: true });
  }
  if (stream) return;
  const pause = failures ? Math.min(LONGEST, SHOWN * 2 ** failures) : visible ? SHOWN : HIDDEN;
  clearTimeout(timer);
  timer = setTimeout(look, pause);
}

function listen() {
  clearTimeout(timer);
  close();
  const marks = new URLSearchParams(Object.values(known).map((mark) => ["k", mark]));
  const mine = (stream = new EventSource(`${address}&${marks}`));
  let heard = false;
  const end = () => {
    if (stream !== mine) return;
    close();
    // One that has told something has had its time, or its server is gone; one that has not will not do so here.
    if (heard) return listen();
    streams = false;
    setTimeout(() => {
      streams = true;
      if (visible && !stream) listen();
    }, AGAIN);
    look();
  };
  const wait = (time) => {
    clearTimeout(timer);
    timer = setTimeout(end, time);
  };
  mine.onmessage = (event) => {
    heard = true;
    wait(SILENCE);
    learn(JSON.parse(event.data));
  };
  mine.onerror = end;
  wait(FIRST_WORD);
}

function close() {
  if (stream) stream.close();
  stream = null;
}

onmessage = ({ data }) => {
  if (data.state) {
    known = data.state;
    streams = data.streams;
    const topics = new URLSearchParams(Object.keys(known).map((topic) => ["t", topic]));
    address = `${data.address}?${topics}`;
  }
  visible = data.visible;
  if (visible && streams) return listen();
  close();
  if (visible || data.state) look();
  else timer = setTimeout(look, HIDDEN);
};
