// The form for a user of one's own. The API says what is wrong with a field; nothing is checked twice.
import { call, worded } from "../shell/call.js";
import { say } from "../shell/status.js";

const dialog = document.getElementById("form");
const form = dialog?.querySelector("form");
const within = "body.input.";

let key; // one per user that is entered: sending again after a lost answer is no second saga

export function openForm() {
  key = newKey();
  clear();
  dialog.showModal();
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  clear();
  const input = Object.fromEntries(new FormData(form));
  try {
    await call("POST", "/api/v1/sagas", { workflow: "onboarding", input }, { "Idempotency-Key": key });
    dialog.close();
    form.reset();
    say([`${input.name} is on the way`]);
  } catch (problem) {
    refuse(problem);
  }
});

// What is entered may differ from what went out before.
form?.addEventListener("input", () => (key = newKey()));

function refuse(problem) {
  let first;
  for (const { location: at, message } of problem.errors ?? []) {
    const field = at?.startsWith(within) && form.elements[at.slice(within.length)];
    if (!field) continue;
    field.setAttribute("aria-invalid", "true");
    document.getElementById("wrong-" + field.name).textContent = message;
    first ??= field;
  }
  if (first) first.focus();
  else document.getElementById("wrong").textContent = worded(problem);
  say([worded(problem)]);
}

function clear() {
  document.getElementById("wrong").textContent = "";
  for (const field of form.elements) {
    field.removeAttribute("aria-invalid");
    const wrong = document.getElementById("wrong-" + field.name);
    if (wrong) wrong.textContent = "";
  }
}

// newKey works on pages that aren't a secure context too, where there is no randomUUID.
function newKey() {
  return "form/" + [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
