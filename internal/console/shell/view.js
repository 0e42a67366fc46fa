// Goes from one view of a page to another without loading it anew: what is open beside it stays, the focus where it is.
// Views are links and forms with data-view.
import { plain } from "./call.js";
import { restartLive, stopLive } from "./live.js";
import { morph } from "./morph.js";
import { setClock } from "./tick.js";

const keepers = [];

// keepInViews has a function alter the address of every view that one goes to.
export function keepInViews(keep) {
  keepers.push(keep);
}

export function startViews() {
  addEventListener("popstate", () => turnTo(new URL(location)));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-view][href]");
    if (!link || !plain(event)) return;
    event.preventDefault();
    show(link.getAttribute("href")); // of an SVG's link, href is an object
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-view]");
    if (!form) return;
    event.preventDefault();
    const url = new URL(form.action);
    url.search = new URLSearchParams(new FormData(form));
    show(url);
  });
}

export async function show(address) {
  const url = new URL(address, location);
  for (const keep of keepers) keep(url);
  if (await turnTo(url)) history.pushState(null, "", url);
}

async function turnTo(url) {
  const response = await fetch(url).catch(() => undefined);
  if (!response?.ok) {
    location.assign(url); // the browser shows what is wrong
    return false;
  }
  const next = new DOMParser().parseFromString(await response.text(), "text/html");
  stopLive();
  morph(document.getElementById("main"), next.getElementById("main"));
  document.title = next.title;
  setClock();
  restartLive();
  return true;
}
