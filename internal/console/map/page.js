// The map lets a token travel along each way that events took since the last patch.
import { travel } from "../shell/token.js";

const seen = new Map(); // events of the last hour by way, as last told

document.addEventListener("restarted", () => seen.clear());
document.addEventListener("patched", () => {
  for (const way of document.querySelectorAll("#map-svg [data-events]")) {
    const events = Number(way.dataset.events);
    const before = seen.get(way.id);
    seen.set(way.id, events);
    if (before !== undefined && events > before) travel(document.getElementById("map-tokens"), way, events - before);
  }
});
