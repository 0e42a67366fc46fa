// Lets tokens travel along the chain, by the topics of the events that went there.
import { travel as along } from "../shell/token.js";

export function travel(hops) {
  const layer = document.getElementById("tokens");
  for (const [topic, count] of Object.entries(hops)) along(layer, document.getElementById("way-" + topic), count);
}
