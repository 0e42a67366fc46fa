// The live stream: patches of this view, from where the page stands. The browser reconnects by itself and says where it
// was (Last-Event-ID); after a refusal, or while the page can't be seen, this module does.
import { morph, parse } from "./morph.js";
import { say } from "./status.js";
import { travel } from "./tokens.js";

const retry = 5000; // milliseconds

let source;
let position;
let order = [];
let timer;

export function startLive() {
  restartLive();
  document.addEventListener("visibilitychange", () => (document.hidden ? stopLive() : connect()));
}

// restartLive begins anew from what the page was rendered with.
export function restartLive() {
  position = main().dataset.position;
  order = [...rows().children].map((row) => row.id.slice("saga-".length));
  connect();
}

export function stopLive() {
  clearTimeout(timer);
  source?.close();
  source = undefined;
}

function connect() {
  stopLive();
  const url = new URL(main().dataset.live, location);
  url.searchParams.set("since", position);
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
  for (const { id, html } of patch.rows ?? []) {
    const row = document.getElementById("saga-" + id);
    if (row) morph(row, parse("<table>" + html + "</table>").querySelector("tr"));
    else rows().append(parse("<table>" + html + "</table>").querySelector("tr")); // arrange gives it its place
  }
  if (patch.order || patch.gone) order = patch.order ?? [];
  if (patch.order || patch.gone || patch.rows) arrange();
  for (const [id, html] of Object.entries(patch.parts ?? {})) {
    const part = document.getElementById(id);
    if (part) morph(part, parse(html));
  }
  travel(patch.hops ?? {});
  if (patch.told) say(patch.told, patch.untold ?? 0);
  const page = document.documentElement.dataset; // for tests: a page is up to date after its first patch
  page.patches = Number(page.patches ?? 0) + 1;
  document.dispatchEvent(new CustomEvent("patched", { detail: patch }));
}

// arrange puts the rows in order with as few moves as new rows on top need, and drops those that are gone.
function arrange() {
  const keep = new Set(order.map((id) => "saga-" + id));
  for (const row of [...rows().children]) if (!keep.has(row.id)) row.remove();
  let next = rows().firstElementChild;
  for (const id of order) {
    const row = document.getElementById("saga-" + id);
    if (!row) continue; // comes with a later patch
    if (row === next) next = next.nextElementSibling;
    else rows().insertBefore(row, next);
  }
}

function lost() {
  const live = document.getElementById("live");
  live.className = "live off";
  live.lastElementChild.textContent = "Connection lost, trying again";
}

function main() {
  return document.getElementById("main");
}

function rows() {
  return document.getElementById("rows");
}
