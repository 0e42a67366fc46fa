// Lets a token travel along the chain for an event that went there. What there isn't room for is in the counts.
const atOnce = 3; // per topic and patch
const most = 12;
const still = matchMedia("(prefers-reduced-motion: reduce)");

const svg = "http://www.w3.org/2000/svg";

export function travel(hops) {
  if (still.matches) return;
  for (const [topic, count] of Object.entries(hops)) {
    for (let i = 0; i < Math.min(count, atOnce); i++) setTimeout(send, i * 120, topic);
  }
}

function send(topic) {
  const tokens = document.getElementById("tokens");
  const way = document.getElementById("way-" + topic);
  if (!tokens || !way || tokens.childElementCount >= most) return;
  const milliseconds = Math.max(450, Math.min(1600, way.getTotalLength() * 1.1));
  const token = document.createElementNS(svg, "path");
  token.setAttribute("class", "token");
  token.setAttribute("d", "M0 0h.01");
  const motion = document.createElementNS(svg, "animateMotion");
  motion.setAttribute("dur", milliseconds + "ms");
  motion.setAttribute("begin", "indefinite");
  motion.setAttribute("fill", "freeze");
  const path = document.createElementNS(svg, "mpath");
  path.setAttribute("href", "#" + way.id);
  motion.append(path);
  token.append(motion);
  tokens.append(token);
  motion.beginElement();
  setTimeout(() => token.remove(), milliseconds);
}
