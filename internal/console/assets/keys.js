// Single keys, for what the page has. They rest while someone types or a dialog asks, and can be switched off.
import { closeMailbox } from "./mailbox.js";

const stored = "skald-single-keys";
const dialog = document.getElementById("keys");
const single = document.getElementById("single-keys");

const presses = {
  n: "[data-onboard]:not([disabled])",
  t: "#trace",
  m: "#open-mailbox",
};

export function startKeys() {
  single.checked = localStorage.getItem(stored) !== "off";
  single.addEventListener("change", () => localStorage.setItem(stored, single.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog:modal")) closeMailbox();
    if (!single.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat || resting(event.target)) return;
    if (event.key === "?") openKeys();
    else document.querySelector(presses[event.key.toLowerCase()] ?? "no-such-key")?.click();
  });
}

export function openKeys() {
  dialog.showModal();
}

// closeDialog closes the dialog that a button belongs to; a modal one gives the focus back by itself.
export function closeDialog(event, which) {
  if (which.id === "mailbox") {
    event.preventDefault();
    closeMailbox();
  } else {
    which.close();
  }
}

function resting(target) {
  return document.querySelector("dialog:modal") || target.closest?.("input:not([type=range]), select, textarea, [contenteditable]");
}
