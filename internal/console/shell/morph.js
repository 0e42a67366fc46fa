// Turns one piece of the page into another by changing only what differs: what has the focus keeps it, what turns goes on
// turning, and a cell that is done is never touched.

export function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || (from.id ?? "") !== (to.id ?? "")) {
    from.replaceWith(to);
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    from.data = to.data;
    return;
  }
  attributes(from, to);
  if (!from.hasAttribute("data-keep")) children(from, to); // else what is in it is a script's own
}

// parse makes the first element of a fragment.
export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  // A slider that was moved has let go of its attribute; it follows again unless someone holds it.
  if (from.type === "range" && from !== document.activeElement) from.value = to.getAttribute("value");
}

// children pairs what has an ID with its like, and the rest in order. What has an ID stays where it is while its neighbours
// come and go: moving it would take its focus away.
function children(from, to) {
  const wanted = new Set([...to.children].map((node) => node.id).filter(Boolean));
  const known = new Map([...from.children].filter((node) => wanted.has(node.id)).map((node) => [node.id, node]));
  let place = from.firstChild;
  const step = () => {
    const node = place;
    place = node.nextSibling;
    return node;
  };
  for (const node of [...to.childNodes]) {
    const like = node.id && known.get(node.id);
    if (like) {
      while (place && place !== like && !known.has(place.id)) step().remove();
      if (place === like) step();
      else from.insertBefore(like, place);
      morph(like, node);
    } else if (!place || known.has(place.id)) {
      from.insertBefore(node, place);
    } else {
      morph(step(), node);
    }
  }
  while (place) step().remove();
}
