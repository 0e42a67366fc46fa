// The Onboarding page. The server renders it whole; these modules keep it up to date and make it respond.
import { onFailures, onOnboard, onService, onLag } from "./actions.js";
import { decide, openActions } from "./decide.js";
import { openForm } from "./form.js";
import { closeDialog, openKeys, startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { openMailbox, readMail, startMailbox } from "./mailbox.js";
import { startTicking } from "./tick.js";
import { show, startViews } from "./view.js";

// One listener for every press, as patches replace what is pressed.
document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  let target;
  if ((target = on("[data-onboard]"))) onOnboard();
  else if ((target = on("[data-service]"))) onService(target.dataset.service, target.dataset.to);
  else if ((target = on("[data-act]"))) openActions(target.dataset.act);
  else if ((target = on("[data-post]"))) decide(target);
  else if (on("#show-form")) openForm();
  else if (on("#show-keys")) openKeys();
  else if ((target = on("#failed button"))) target.closest("#failed").hidden = true;
  else if (plain(event) && on("#open-mailbox")) openMailbox(event);
  else if (plain(event) && (target = on("[data-mail]"))) readMail(event, target);
  else if ((target = on("[data-close]"))) closeDialog(event, target.closest("dialog"));
  else if (plain(event) && (target = on("a[data-view][href]"))) {
    event.preventDefault();
    show(target.href);
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-view]");
  if (!form) return;
  event.preventDefault();
  const url = new URL(form.action);
  url.search = new URLSearchParams(new FormData(form));
  show(url);
});

for (const type of ["input", "change"]) {
  document.addEventListener(type, (event) => {
    if (event.target.closest("#lag")) onLag(event);
    else if (event.target.closest("[data-failures]")) onFailures(event);
  });
}

// plain is false for a click that opens a link elsewhere.
function plain(event) {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

startTicking();
startLive();
startViews();
startMailbox();
startKeys();
