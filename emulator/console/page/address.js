// The address of the page: the story that is open (`#/outcomes/7`), or what the list shows (`#status=rejected&run=5ea7ef0c`).

const listeners = [];
let filters = {};

function hashOf(shown) {
  const given = Object.entries(shown).filter(([, value]) => value);
  return given.length ? `#${new URLSearchParams(given)}` : "";
}

function story() {
  const hash = location.hash.slice(1);
  return /^\/(outcomes|requests)\/./.test(hash) ? hash.slice(1) : null;
}

function read() {
  const hash = location.hash.slice(1);
  if (!story() && (hash === "" || hash.includes("="))) filters = Object.fromEntries(new URLSearchParams(hash));
  return { story: story(), filters };
}

function go(hash) {
  if (location.hash !== hash) history.pushState(null, "", hash || location.pathname);
  tell();
}

function tell() {
  const shown = read();
  for (const listener of listeners) listener(shown);
}

addEventListener("popstate", tell);

export const address = {
  open: (path) => go(`#/${path}`),
  close: () => { if (story()) go(hashOf(filters)); },
  filter: (shown) => {
    filters = Object.fromEntries(Object.entries(shown).filter(([, value]) => value));
    if (!story()) history.replaceState(null, "", hashOf(filters) || location.pathname);
  },
  follow: (listener) => listeners.push(listener),
  start: tell,
};
