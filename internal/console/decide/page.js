// The dialog that says what can be done about a saga, and asks before it is done. The server says what there is to decide.
import { call, worded } from "../shell/call.js";
import { say } from "../shell/status.js";

const dialog = document.getElementById("act");

document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  let target;
  if ((target = on("[data-act]"))) open(target.dataset.act, "actions");
  else if ((target = on("[data-edit]"))) open(target.dataset.edit, "edit");
  else if ((target = on("#act [data-redrive]"))) redrive(target);
  else if ((target = on("#act [data-post]"))) decide(target);
});

async function open(id, what) {
  let html;
  try {
    const response = await fetch(`/sagas/${encodeURIComponent(id)}/${what}`);
    if (!response.ok) throw await response.json();
    html = await response.text();
  } catch (problem) {
    say([worded(problem)]);
    return;
  }
  dialog.innerHTML = html;
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("textarea")?.focus();
}

dialog.addEventListener("submit", (event) => event.preventDefault()); // Enter in the reason sends nothing

function refuse(name, text) {
  const input = dialog.querySelector(`[name=${name}]`);
  document.getElementById(`wrong-${name}`).textContent = text;
  if (text) {
    input.setAttribute("aria-invalid", "true");
    input.focus();
    say([text]);
  } else {
    input.removeAttribute("aria-invalid");
  }
}

// redrive sends the payload as it is written: parsed and written anew, large numbers would be others.
async function redrive(button) {
  const field = dialog.querySelector("[name=payload]");
  const text = field.value.trim();
  refuse("payload", "");
  try {
    JSON.parse(text);
  } catch (wrong) {
    refuse("payload", "This isn’t valid JSON: " + wrong.message);
    return;
  }
  if (text === field.defaultValue.trim()) {
    refuse("payload", "Nothing is changed: to redrive it as it is, close this and press Redrive.");
    return;
  }
  const rest = JSON.stringify({ reason: dialog.querySelector("[name=reason]").value.trim(), by: "console" });
  button.disabled = true;
  try {
    const answer = await call("POST", button.dataset.redrive, `${rest.slice(0, -1)},"payload":${text}}`);
    dialog.close();
    say([answer.text]);
  } catch (problem) {
    refuse("payload", worded(problem));
  } finally {
    button.disabled = false;
  }
}

async function decide(button) {
  const wrong = dialog.querySelector(".wrong");
  const body = { reason: dialog.querySelector("[name=reason]").value.trim(), by: "console" };
  if (button.dataset.decision) body.decision = button.dataset.decision;
  const buttons = dialog.querySelectorAll("[data-post]");
  for (const b of buttons) b.disabled = true;
  try {
    const answer = await call("POST", button.dataset.post, body);
    dialog.close();
    say([answer.text]);
  } catch (problem) {
    const field = (problem.errors ?? []).find((e) => e.location === "body.reason");
    wrong.textContent = field ? "Say why: " + field.message : worded(problem);
    const input = dialog.querySelector("[name=reason]");
    if (field) {
      input.setAttribute("aria-invalid", "true");
      input.focus();
    }
    say([wrong.textContent]);
  } finally {
    for (const b of buttons) b.disabled = false;
  }
}
