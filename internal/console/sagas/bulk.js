// Asks before something is done about many sagas, and then asks their services, as many as the server takes at a time.
import { call, worded } from "../shell/call.js";
import { say } from "../shell/status.js";
import { clearSelection, number, onCounted, selection } from "./select.js";

const path = "/api/v1/sagas/bulk";
const what = {
  cancel: "What their steps have done is undone, the latest first, and each ends as cancelled.",
  redrive: "The event that each is halted by goes back to the service that gave up on it, which tries it again under the same idempotency key.",
};

let asking; // {action, selection, stopped}

export function startBulk() {
  if (!part("ask")) return; // who only looks
  onCounted(async () => {
    const found = {};
    try {
      for (const action of ["cancel", "redrive"]) found[action] = await dryRun(action, selection());
    } catch (problem) {
      say([worded(problem)]);
    }
    return found;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-bulk]");
    if (button) open(button.dataset.bulk);
    else if (event.target.closest("#bulk-yes")) go();
  });
  part("ask").addEventListener("close", () => {
    if (asking) asking.stopped = true;
  });
  part("ask")
    .querySelector("form")
    .addEventListener("submit", (event) => {
      event.preventDefault(); // Enter in the reason presses nothing by itself
      go();
    });
}

const part = (name) => document.getElementById("bulk-" + name);
const dryRun = (action, chosen) => call("POST", path, { action, dry_run: true, ...chosen });
const sagas = (n) => (n === 1 ? "1 saga" : number(n) + " sagas");

async function open(action) {
  const mine = (asking = { action, selection: selection(), stopped: false });
  let found;
  try {
    found = await dryRun(action, mine.selection);
  } catch (problem) {
    say([worded(problem)]);
    return;
  }
  if (mine !== asking) return;
  mine.wanted = found.wanted;
  const more = found.at_least ? " or more" : "";
  const verb = action === "cancel" ? "Cancel" : "Redrive";
  part("title").textContent = `${verb} ${sagas(found.wanted)}${more}?`;
  part("what").textContent = what[action];
  const out = action === "cancel" ? "have ended, or their end is decided already" : "aren’t halted by a dead letter, or their end is decided already";
  part("left").textContent = found.left_out ? `${number(found.selected)}${more} are selected. ${number(found.left_out)} are left out: they ${out}.` : `${number(found.selected)}${more} are selected.`;
  part("wrong").textContent = part("done").textContent = "";
  part("no").textContent = "Let them be";
  const yes = part("yes");
  yes.hidden = found.wanted === 0;
  yes.disabled = false;
  yes.className = "btn " + (action === "cancel" ? "danger" : "primary");
  yes.textContent = `${verb} ${sagas(found.wanted)}${more}`;
  reason().value = "";
  reason().removeAttribute("aria-invalid");
  if (!part("ask").open) part("ask").showModal();
  reason().focus();
}

function reason() {
  return part("ask").querySelector("[name=reason]");
}

async function go() {
  const mine = asking;
  if (!mine || part("yes").disabled || part("yes").hidden) return;
  const why = reason().value.trim();
  if (mine.action === "cancel" && !why) return wrong("Say why: it is kept with each saga.", true);
  part("yes").disabled = true;
  part("wrong").textContent = "";
  const sum = { requested: 0, accepted: 0, refused: 0, unanswered: 0, refusals: [] };
  try {
    let cursor;
    do {
      const answer = await call("POST", path, { action: mine.action, reason: why, by: "console", ...mine.selection, cursor });
      for (const name of ["requested", "accepted", "refused", "unanswered"]) sum[name] += answer[name];
      sum.refusals.push(...answer.refusals);
      part("done").textContent = told(sum);
      cursor = answer.next;
      if (cursor && answer.unanswered) {
        wrong("A service doesn’t answer, so the rest was not asked for. Try again when it runs.", false);
        break;
      }
    } while (cursor && !mine.stopped);
  } catch (problem) {
    wrong(worded(problem), (problem.errors ?? []).some((e) => e.location === "body.reason"));
    part("yes").disabled = false;
    return;
  }
  say([told(sum)]);
  part("yes").hidden = true;
  part("no").textContent = "Close";
  clearSelection();
  if (sum.refused + sum.unanswered === 0 && !part("wrong").textContent) part("ask").close();
}

function told(sum) {
  let said = `${sagas(sum.requested)} asked for: ${number(sum.accepted)} accepted, ${number(sum.refused)} refused`;
  if (sum.unanswered) said += `, ${number(sum.unanswered)} without an answer yet`;
  if (sum.refusals.length) said += `. ${[...new Set(sum.refusals)].slice(0, 3).join("; ")}`;
  return said;
}

function wrong(text, ofReason) {
  part("wrong").textContent = text;
  say([text]);
  if (!ofReason) return;
  reason().setAttribute("aria-invalid", "true");
  reason().focus();
}
