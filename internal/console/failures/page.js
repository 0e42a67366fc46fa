// The Failures page: what is asked for a whole cause. A dialog says what will be done, and to how many, before it is.
import { call, worded } from "../shell/call.js";
import { say } from "../shell/status.js";

const dialog = document.getElementById("run");
const field = dialog.querySelector("[name=reason]");
const wrong = document.getElementById("run-wrong");
const go = document.getElementById("run-go");

let asked; // what the dialog asks about: the data of the button that opened it

document.addEventListener("click", (event) => {
  let button;
  if ((button = event.target.closest("[data-run]"))) open(button);
  else if ((button = event.target.closest("[data-call]"))) change(button);
});

dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});

function open(button) {
  const data = button.dataset;
  asked = { ...data };
  button.focus(); // a key may have pressed it: the dialog gives the focus back
  document.getElementById("run-title").textContent = data.title;
  document.getElementById("run-says").textContent = data.says;
  go.textContent = data.go;
  go.className = "danger" in data ? "btn danger" : "btn primary";
  field.value = "";
  refuse("");
  dialog.showModal();
  field.focus();
}

function refuse(text) {
  wrong.textContent = text;
  if (text) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

async function begin() {
  const reason = field.value.trim();
  if ("must" in asked && !reason) {
    refuse("Say why: it is kept with the sagas.");
    field.focus();
    return;
  }
  go.disabled = true;
  try {
    const state = await call("POST", asked.run, { ...JSON.parse(asked.body ?? "{}"), reason, by: "console" });
    dialog.close();
    say([`Begun: ${state.kind} of ${state.letters} ${state.letters === 1 ? "letter" : "letters"}`]);
  } catch (problem) {
    refuse(worded(problem));
    say([wrong.textContent]);
  } finally {
    go.disabled = false;
  }
}

async function change(button) {
  button.disabled = true;
  try {
    const state = await call("POST", button.dataset.call);
    say([`The ${state.kind} is ${state.phase}`]);
  } catch (problem) {
    say([worded(problem)]);
  } finally {
    button.disabled = false;
  }
}
