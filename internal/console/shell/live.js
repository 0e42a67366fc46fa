// The live stream: patches of this view, from where the page stands. The browser reconnects by itself and says where it
// was (Last-Event-ID); after a refusal, or while the page can't be seen, this module does. A room that patches more than
// parts listens to "patching", which comes before the parts change, and to "restarted".
import { morph, parse } from "./morph.js";
import { say } from "./status.js";

const retry = 5000; // milliseconds

let source;
let position;
let timer;
let held = false;

export function startLive() {
  restartLive();
  document.addEventListener("visibilitychange", () => (document.hidden ? stopLive() : connect()));
}

// restartLive begins anew from what the page was rendered with.
export function restartLive() {
  position = main().dataset.position;
  document.dispatchEvent(new CustomEvent("restarted"));
  connect();
}

// holdLive stops updates until it is called again, and says whether they are held.
export function holdLive() {
  held = !held;
  connect();
  return held;
}

export function stopLive() {
  clearTimeout(timer);
  source?.close();
  source = undefined;
}

function connect() {
  stopLive();
  if (held || !main().dataset.live) return;
  const url = new URL(main().dataset.live, location);
  if (position) url.searchParams.set("since", position);
  source = new EventSource(url);
  source.addEventListener("patch", (event) => {
    position = event.lastEventId;
    apply(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    lost();
    if (source?.readyState === EventSource.CLOSED) timer = setTimeout(connect, retry);
  });
}

function apply(patch) {
  document.dispatchEvent(new CustomEvent("patching", { detail: patch }));
  for (const [id, html] of Object.entries(patch.parts ?? {})) {
    const part = document.getElementById(id);
    if (part) morph(part, parse(html));
  }
  if (patch.told) say(patch.told, patch.untold ?? 0);
  const page = document.documentElement.dataset; // for tests: a page is up to date after its first patch
  page.patches = Number(page.patches ?? 0) + 1;
  document.dispatchEvent(new CustomEvent("patched", { detail: patch }));
}

function lost() {
  const live = document.getElementById("live");
  live.className = "live off";
  live.lastElementChild.textContent = "Connection lost, trying again";
}

function main() {
  return document.getElementById("main");
}
