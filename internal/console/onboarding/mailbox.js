// The mailbox beside the page. It is part of the address (?mail=), and the server renders it.
import { morph } from "../shell/morph.js";
import { keepInViews } from "../shell/view.js";

const every = 500; // milliseconds between two looks while mails keep coming

const drawer = document.getElementById("mailbox");

let looking = false;
let again = false;

export function startMailbox() {
  if (!drawer) return;
  document.addEventListener("patched", ({ detail }) => {
    if (drawer.open && detail.parts?.["mail-count"]) refresh();
  });
  addEventListener("popstate", sync);
  keepInViews((url) => {
    const mail = drawer.open ? new URL(location).searchParams.get("mail") : null;
    if (mail) url.searchParams.set("mail", mail);
    else url.searchParams.delete("mail");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog:modal")) closeMailbox();
  });
}

export async function openMailbox(event) {
  event.preventDefault();
  if (drawer.open) return closeMailbox();
  remember("open");
  await load();
  drawer.show();
  drawer.querySelector("a, button")?.focus();
}

export async function readMail(event, link) {
  event.preventDefault();
  remember(link.dataset.mail);
  await load();
}

export function closeMailbox() {
  if (!drawer?.open) return;
  drawer.close();
  remember("");
  document.getElementById("open-mailbox")?.focus();
}

function remember(mail) {
  const url = new URL(location);
  if (mail) url.searchParams.set("mail", mail);
  else url.searchParams.delete("mail");
  history.replaceState(null, "", url);
}

async function sync() {
  const wanted = new URL(location).searchParams.has("mail");
  if (wanted) await load();
  if (wanted && !drawer.open) drawer.show();
  if (!wanted) drawer.close();
}

async function load() {
  const response = await fetch("/mailbox" + location.search);
  if (!response.ok) return;
  const next = drawer.cloneNode(false);
  next.innerHTML = await response.text();
  next.toggleAttribute("open", drawer.open);
  morph(drawer, next);
}

async function refresh() {
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  await load().catch(() => {}); // the next mail brings the next look
  setTimeout(() => {
    looking = false;
    if (again && drawer.open) refresh();
    again = false;
  }, every);
}
