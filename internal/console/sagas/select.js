// What is selected: sagas of this page by their boxes, or all that match, as the server knows them by filter and position of the log.
let everything = false;
let counts; // of all that match, as the server has counted them: {cancel, redrive}
let counting = 0;

export function startSelection() {
  document.addEventListener("change", (event) => {
    if (event.target.id === "pick-page") {
      for (const box of boxes()) box.checked = event.target.checked;
    } else if (!event.target.closest("#rows")) return;
    everything = false;
    showSelection();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#bulk-clear")) clearSelection();
    else if (event.target.closest("#bulk-scope")) turnScope();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open], details.menu[open]") && !bar()?.hidden) clearSelection();
  });
  document.addEventListener("patched", showSelection);
  document.addEventListener("restarted", () => {
    everything = false;
    showSelection();
  });
}

export function clearSelection() {
  for (const box of boxes()) box.checked = false;
  everything = false;
  showSelection();
}

// selection is what the API is told.
export function selection() {
  if (!everything) return { ids: picked().map((box) => box.value) };
  return { filter: JSON.parse(bar().dataset.filter), position: Number(bar().dataset.position) };
}

// onCounted has a function count what can be done about all that match.
export function onCounted(count) {
  counter = count;
}
let counter;

async function turnScope() {
  everything = !everything;
  counts = undefined;
  showSelection();
  if (!everything) return;
  const mine = ++counting;
  const found = await counter();
  if (mine === counting && everything) {
    counts = found;
    showSelection();
  }
}

function showSelection() {
  const b = bar();
  if (!b) return;
  const chosen = picked();
  const all = boxes();
  const page = document.getElementById("pick-page");
  if (page) {
    page.checked = all.length > 0 && chosen.length === all.length;
    page.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }
  b.hidden = chosen.length === 0;
  if (b.hidden) return;
  const total = b.dataset.counted;
  text("bulk-said", everything ? `All ${total} that match are selected` : `${number(chosen.length)} selected`);
  const scope = document.getElementById("bulk-scope");
  scope.hidden = !everything && (chosen.length < all.length || Number(b.dataset.matching) <= all.length);
  scope.textContent = everything ? `Only the ${chosen.length} on this page` : `Select all ${total} that match`;
  for (const button of b.querySelectorAll("[data-bulk]")) {
    const action = button.dataset.bulk;
    const n = everything ? counts?.[action] : { selected: chosen.length, wanted: chosen.filter((box) => box.dataset.can.split(" ").includes(action)).length };
    button.hidden = !n || n.wanted === 0;
    const said = n ? number(n.wanted) + (n.at_least ? "+" : "") : "";
    button.textContent = action === "redrive" ? `Redrive ${said} halted…` : `Cancel ${said}…`;
  }
}

function text(id, said) {
  const e = document.getElementById(id);
  if (e.textContent !== said) e.textContent = said;
}

export function number(n) {
  return n.toLocaleString("en-US");
}

function bar() {
  return document.getElementById("bulk");
}

function boxes() {
  return [...document.querySelectorAll("#rows input[type=checkbox]")];
}

function picked() {
  return boxes().filter((box) => box.checked);
}
