// Rows by keyboard: the one whose key has the focus is the current one; Enter opens it, as it is a link.
import { say } from "../shell/status.js";

function names() {
  return [...document.querySelectorAll("#rows a.name")];
}

function current() {
  return document.activeElement?.closest?.("#rows tr");
}

export function move(by) {
  const all = names();
  const at = all.findIndex((name) => current()?.contains(name));
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
  all[next]?.focus();
}

export function pick() {
  current()?.querySelector("input[type=checkbox]")?.click();
}

export async function copyLink() {
  const name = current()?.querySelector("a.name");
  if (!name) return;
  try {
    await navigator.clipboard.writeText(name.href);
    say(["Link copied"]);
  } catch {
    say(["The browser doesn’t let this page copy: " + name.href]);
  }
}
