// The Sagas page: its rows by keyboard, what is selected, and what is done about many at once.
import { holdLive } from "../shell/live.js";
import { say } from "../shell/status.js";
import { keepInViews } from "../shell/view.js";
import { startBulk } from "./bulk.js";
import { copyLink, move, pick } from "./rows.js";
import { startSelection } from "./select.js";

// A filter that isn't set has no place in an address.
keepInViews((url) => {
  for (const [name, value] of [...url.searchParams]) if (value === "") url.searchParams.delete(name);
});

document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  let target;
  if ((target = on("[data-row]"))) move(Number(target.dataset.row));
  else if (on("[data-pick]")) pick();
  else if (on("[data-copy]")) copyLink();
  else if (on("[data-hold]")) hold();
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

function hold() {
  const held = holdLive();
  const live = document.getElementById("live");
  if (held) {
    live.className = "live late";
    live.lastElementChild.textContent = "Held: press . to go on";
  }
  say([held ? "Live updates are held" : "Live updates go on"]);
}

startSelection();
startBulk();
