// Lets tokens travel along a path for events that went there. What there isn't room for is in the counts.
const atOnce = 3; // per path and patch
const most = 12; // per layer
const still = matchMedia("(prefers-reduced-motion: reduce)");

const svg = "http://www.w3.org/2000/svg";

// travel sends up to count tokens along way, a path with an ID, drawn in layer.
export function travel(layer, way, count) {
  if (still.matches) return;
  for (let i = 0; i < Math.min(count, atOnce); i++) setTimeout(send, i * 120, layer, way);
}

function send(layer, way) {
  if (!layer?.isConnected || !way?.isConnected || layer.childElementCount >= most) return;
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
  layer.append(token);
  motion.beginElement();
  setTimeout(() => token.remove(), milliseconds);
}
