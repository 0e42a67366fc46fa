// Goes from one view of the page to another without loading it anew: the drawer stays open, the focus where it is.
import { restartLive, stopLive } from "./live.js";
import { keptMail } from "./mailbox.js";
import { morph } from "./morph.js";
import { setClock } from "./tick.js";

export function startViews() {
  addEventListener("popstate", () => turnTo(new URL(location)));
}

export async function show(address) {
  const url = new URL(address, location);
  const mail = keptMail();
  if (mail) url.searchParams.set("mail", mail);
  else url.searchParams.delete("mail");
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
  setClock();
  restartLive();
  return true;
}
