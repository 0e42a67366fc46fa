// The Onboarding page: its buttons, sliders, rows and mailbox.
import { plain } from "../shell/call.js";
import { onFailures, onOnboard, onService, onLag } from "./actions.js";
import { openForm } from "./form.js";
import { closeMailbox, openMailbox, readMail, startMailbox } from "./mailbox.js";
import { startRows } from "./rows.js";

// One listener for every press, as patches replace what is pressed.
document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  let target;
  if (on("[data-onboard]")) onOnboard();
  else if ((target = on("[data-service]"))) onService(target.dataset.service, target.dataset.to);
  else if (on("#show-form")) openForm();
  else if ((target = on("#failed button"))) target.closest("#failed").hidden = true;
  else if (plain(event) && on("#open-mailbox")) openMailbox(event);
  else if (plain(event) && (target = on("[data-mail]"))) readMail(event, target);
});

// Before the shell's own listener, as the drawer's close button is a link.
document.addEventListener(
  "click",
  (event) => {
    if (!event.target.closest("#mailbox [data-close]")) return;
    event.preventDefault();
    closeMailbox();
  },
  true,
);

for (const type of ["input", "change"]) {
  document.addEventListener(type, (event) => {
    if (event.target.closest("#lag")) onLag(event);
    else if (event.target.closest("[data-failures]")) onFailures(event);
  });
}

startRows();
startMailbox();
