// Single keys: what has data-key is pressed by it, what has data-go by it after G. They rest while someone types or a dialog
// asks, and can be switched off.
const stored = "skald-single-keys";
const goFor = 1500; // milliseconds that G waits for the second key

let going = 0; // until when

export function startKeys() {
  const single = document.getElementById("single-keys");
  single.checked = localStorage.getItem(stored) !== "off";
  single.addEventListener("change", () => localStorage.setItem(stored, single.checked ? "on" : "off"));
  document.getElementById("show-keys").addEventListener("click", openKeys);
  listKeys();
  document.addEventListener("keydown", (event) => {
    if (!single.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat || resting(event.target)) return;
    const key = event.key.toLowerCase();
    if (key === "?") return openKeys();
    const by = Date.now() < going ? "data-go" : "data-key";
    going = by === "data-key" && key === "g" ? Date.now() + goFor : 0;
    const pressed = document.querySelector(`[${by}="${CSS.escape(key)}"]:not([disabled])`);
    if (!pressed) return;
    event.preventDefault();
    if (pressed.matches("input")) pressed.focus();
    else pressed.click();
  });
}

// listKeys adds what this page has: data-key-for says what a key is for.
function listKeys() {
  const list = document.getElementById("key-list");
  for (const { dataset } of [...document.querySelectorAll("[data-key-for]")].reverse()) {
    const kbd = document.createElement("kbd");
    kbd.textContent = dataset.key.toUpperCase();
    const what = document.createElement("span");
    what.textContent = dataset.keyFor;
    list.prepend(kbd, what);
  }
}

function openKeys() {
  document.getElementById("keys").showModal();
}

function resting(target) {
  return document.querySelector("dialog:modal") || target.closest?.("input:not([type=range], [type=checkbox]), select, textarea, [contenteditable]");
}
