// The rows of the table: patches bring those that changed, and the order of all when that has changed.
import { morph, parse } from "../shell/morph.js";
import { travel } from "./tokens.js";

let order = [];

export function startRows() {
  document.addEventListener("restarted", readOrder);
  document.addEventListener("patching", ({ detail }) => apply(detail));
  document.addEventListener("patched", ({ detail }) => travel(detail.hops ?? {}));
  readOrder();
}

function readOrder() {
  order = [...rows().children].map((row) => row.id.slice("saga-".length));
}

function apply(patch) {
  let arranged = !patch.order && !patch.gone;
  for (const { id, html } of patch.rows ?? []) {
    const row = document.getElementById("saga-" + id);
    if (row) {
      morph(row, parse(html));
    } else {
      rows().append(parse(html)); // arrange gives it its place
      arranged = false;
    }
  }
  if (patch.order || patch.gone) order = patch.order ?? [];
  if (!arranged) arrange();
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

function rows() {
  return document.getElementById("rows");
}
