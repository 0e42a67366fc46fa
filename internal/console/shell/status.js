// The one polite status line: outcomes and refusals, joined into one message in five seconds at most.
const pause = 5000;
const inFull = 2;

let waiting = [];
let more = 0;
let quietUntil = 0;
let timer;

export function say(sentences, untold = 0) {
  waiting.push(...sentences);
  more += untold;
  clearTimeout(timer);
  timer = setTimeout(speak, Math.max(200, quietUntil - Date.now()));
}

function speak() {
  const rest = Math.max(0, waiting.length - inFull) + more;
  const text = waiting.slice(0, inFull).join(". ") + (rest ? `, and ${rest} more.` : ".");
  document.getElementById("status").textContent = text;
  waiting = [];
  more = 0;
  quietUntil = Date.now() + pause;
}
