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
  for (let i = from.attributes.length - 1; i >= 0; i--) {
    const { name } = from.attributes[i];
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
  const ids = idsIn(to);
  if (ids.size) pairByID(from, to, ids);
  else pairInOrder(from, to);
}

function idsIn(parent) {
  const ids = new Set();
  for (let e = parent.firstElementChild; e; e = e.nextElementSibling) if (e.id) ids.add(e.id);
  return ids;
}

// pairInOrder is what most elements need, so it makes no lists.
function pairInOrder(from, to) {
  let place = from.firstChild;
  for (let node = to.firstChild, next; node; node = next) {
    next = node.nextSibling;
    if (place) {
      const after = place.nextSibling;
      morph(place, node);
      place = after;
    } else {
      from.append(node);
    }
  }
  removeFrom(place);
}

function pairByID(from, to, wanted) {
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
  removeFrom(place);
}

function removeFrom(place) {
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}
