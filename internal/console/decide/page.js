// The dialog that says what can be done about a saga, and asks before it is done. The server says what there is to decide.
import { call, worded } from "../shell/call.js";
import { say } from "../shell/status.js";

const dialog = document.getElementById("act");

document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  let target;
  if ((target = on("[data-act]"))) openActions(target.dataset.act);
  else if ((target = on("#act [data-post]"))) decide(target);
});

async function openActions(id) {
  let html;
  try {
    const response = await fetch(`/sagas/${encodeURIComponent(id)}/actions`);
    if (!response.ok) throw await response.json();
    html = await response.text();
  } catch (problem) {
    say([worded(problem)]);
    return;
  }
  dialog.innerHTML = html;
  if (!dialog.open) dialog.showModal();
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
