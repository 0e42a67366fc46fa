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
  children(from, to);
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

function children(from, to) {
  const now = [...from.childNodes];
  const next = [...to.childNodes];
  next.forEach((node, i) => (i < now.length ? morph(now[i], node) : from.append(node)));
  now.slice(next.length).forEach((node) => node.remove());
}
