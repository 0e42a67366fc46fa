// The page of a saga: what can be copied, and its records by keys.
import { say } from "../shell/status.js";

document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  let target;
  if ((target = on("[data-copy]"))) copy(target.dataset.copy, "The ID is copied");
  else if (on("[data-copy-link]")) copy(location.href, "The link is copied");
  else if ((target = on("[data-copy-code]"))) copy(target.closest("div").querySelector(".code").textContent, "The payload is copied");
});

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    say([done]);
  } catch {
    say(["The browser doesn't allow this page to copy"]);
  }
}

document.addEventListener("keydown", (event) => {
  if (!["j", "k"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!document.getElementById("single-keys").checked || event.target.closest?.("input, select, textarea") || document.querySelector("dialog:modal")) return;
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement);
  const next = event.key === "j" ? at + 1 : Math.max(0, at - 1);
  rows[Math.min(next, rows.length - 1)]?.focus();
});
