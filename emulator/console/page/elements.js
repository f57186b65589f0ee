// Elements of the page. Text reaches it as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) assign(element, name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function assign(element, name, value) {
  if (value === null || value === undefined) return;
  if (name === "class") element.className = value;
  else if (name === "onclick") element.addEventListener("click", value);
  else element.setAttribute(name, value);
}

export function svg(tag, properties = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  return element;
}

export function put(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

// Makes a list's children anew only where what they show has changed, so that focus and open parts stay.
export function keyed(parent, items, keyOf, render) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => child(old, keyOf(item), item, render));
  const kept = new Set(wanted);
  for (const one of [...parent.children]) if (!kept.has(one)) one.remove();
  wanted.forEach((one, place) => {
    if (parent.children[place] !== one) parent.insertBefore(one, parent.children[place] ?? null);
  });
}

function child(old, key, item, render) {
  const signature = JSON.stringify(item);
  const found = old.get(key);
  if (found && found.signature === signature) return found;
  const element = render(item, found);
  element.dataset.key = key;
  element.signature = signature;
  return element;
}
