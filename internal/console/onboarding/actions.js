// What the buttons do. Each is an operation of the HTTP API; a refusal is shown beside the button in the API's own words.
import { call, worded } from "../shell/call.js";
import { say } from "../shell/status.js";

export async function onOnboard() {
  await attempt(() => call("POST", "/api/v1/demo/hires"));
}

export async function onService(name, to) {
  await attempt(() => call("POST", `/api/v1/demo/services/${encodeURIComponent(name)}/${to}`));
}

const settings = new Map();

// onFailures follows the slider of a service, and sets how often it fails once the slider rests.
export function onFailures(event) {
  const slider = event.target;
  const service = slider.dataset.failures;
  const percent = Number(slider.value);
  slider.parentElement.querySelector("output").textContent = `${percent} %`;
  clearTimeout(settings.get(service));
  settings.set(service, setTimeout(() => attempt(() => call("PUT", `/api/v1/demo/failures/${encodeURIComponent(service)}`, { percent })), 150));
}

let setting;

// onLag follows the slider, and sets the lag once it rests.
export function onLag(event) {
  const slider = event.target;
  const max = Number(slider.value);
  const min = Math.min(Number(slider.dataset.min), max);
  slider.parentElement.querySelector("output").textContent = `${min}–${max} s`;
  clearTimeout(setting);
  setting = setTimeout(() => attempt(() => call("PUT", "/api/v1/demo/lag", { min: min + "s", max: max + "s" })), 150);
}

async function attempt(action) {
  const failed = document.getElementById("failed");
  try {
    await action();
    failed.hidden = true;
  } catch (problem) {
    const text = worded(problem);
    failed.querySelector("span").textContent = text;
    failed.hidden = false;
    say([text]);
  }
}
