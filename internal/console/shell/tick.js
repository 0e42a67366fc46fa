// Lets the times of what is on its way grow. Their beginnings are the log's; the browser's clock may be another.
const still = matchMedia("(prefers-reduced-motion: reduce)");

let ahead = 0; // of the server, in milliseconds

export function startTicking() {
  setClock();
  let last = 0;
  setInterval(() => {
    const now = Date.now();
    if (document.hidden || now - last < (still.matches ? 1000 : 100)) return;
    last = now;
    for (const e of document.querySelectorAll("[data-since]")) {
      const text = soFar(now - ahead - e.dataset.since);
      if (e.textContent !== text) e.textContent = text;
    }
    for (const e of document.querySelectorAll("[data-due]")) {
      const left = e.dataset.due - (now - ahead);
      const text = left > 0 ? "in " + soFar(left) : "now";
      if (e.textContent !== text) e.textContent = text;
    }
    for (const e of document.querySelectorAll("[data-left]")) {
      const left = e.dataset.left - (now - ahead);
      const text = left >= 0 ? soFar(left) : soFar(-left) + " over";
      if (e.textContent !== text) e.textContent = text;
    }
  }, 100);
}

// setClock compares the clocks, as of a page just rendered.
export function setClock() {
  ahead = Date.now() - document.getElementById("main").dataset.now;
}

// soFar writes as words.go does.
function soFar(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 60) return seconds.toFixed(1) + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min " + Math.floor(seconds % 60) + " s";
  return Math.floor(seconds / 3600) + " h " + Math.floor((seconds % 3600) / 60) + " min";
}
