// Outcomes: thousands are kept, and only those in sight have an element.

import { address } from "./address.js";
import { $, keyed, make, put } from "./elements.js";
import { number, t, timeOf } from "./strings.js";

const STATUSES = ["created", "existing", "updated", "rejected", "failed"];
const KEPT = 20000;

export const outcomes = (() => {
  const list = $("outcome-list");
  const rows = $("outcome-rows");
  const pool = new Map();
  let all = [];
  let shown = [];
  let only = null;
  let run = null;
  let words = "";
  let active = null;
  let pressed = null;
  let unseen = 0;
  let height = 30;

  function add(fresh) {
    all.push(...fresh);
    const passing = fresh.filter(passes);
    shown.push(...passing);
    if (all.length > KEPT + 2000) trim();
    arrive(passing.length);
  }

  function trim() {
    all = all.slice(-KEPT);
    shown = all.filter(passes);
  }

  // Whoever reads further down keeps the place; at the top the latest come in.
  function arrive(count) {
    if (list.scrollTop > height) {
      list.scrollTop += count * height;
      unseen += count;
    }
    render(count);
  }

  function reset() {
    all = [];
    shown = [];
    active = null;
    refresh();
  }

  function passes(outcome) {
    if (only && outcome.status !== only) return false;
    if (run && !outcome.id.startsWith(`${run}-`)) return false;
    return !words || haystack(outcome).includes(words);
  }

  function haystack(outcome) {
    outcome.text ??= [outcome.product, outcome.module, outcome.id, outcome.correlation, outcome.note, outcome.status, t(outcome.status)].join(" ").toLowerCase();
    return outcome.text;
  }

  function refresh() {
    shown = all.filter(passes);
    list.scrollTop = 0;
    unseen = 0;
    if (active && !shown.includes(active)) active = null;
    render();
  }

  const at = (place) => shown[shown.length - 1 - place];

  function render(fresh = 0) {
    height = parseFloat(getComputedStyle(list).getPropertyValue("--row")) || 30;
    rows.style.height = `${shown.length * height}px`;
    const first = Math.max(0, Math.floor(list.scrollTop / height) - 6);
    const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / height) + 6);
    const wanted = new Map();
    for (let place = first; place < last; place += 1) wanted.set(at(place).n, place);
    for (const [number, element] of pool) if (!wanted.has(number)) drop(number, element);
    for (const [number, place] of wanted) place_(number, place, place < fresh);
    around();
  }

  function drop(number, element) {
    element.remove();
    pool.delete(number);
  }

  function place_(number, place, fresh) {
    const outcome = at(place);
    if (!pool.has(number)) pool.set(number, rows.appendChild(row(outcome, fresh)));
    const element = pool.get(number);
    element.style.transform = `translateY(${place * height}px)`;
    element.setAttribute("aria-posinset", place + 1);
    element.setAttribute("aria-setsize", shown.length);
    element.setAttribute("aria-selected", outcome === active);
  }

  function around() {
    list.classList.toggle("bare", !shown.length);
    $("outcome-empty").hidden = shown.length > 0;
    if (!shown.length && all.length) put($("outcome-empty"), t("noneLikeThat"));
    if (list.scrollTop <= height) unseen = 0;
    $("newer").hidden = unseen === 0;
    put($("newer"), `${number(unseen)} ${t("newer")} ↑`);
    const current = active && pool.get(active.n);
    if (current) list.setAttribute("aria-activedescendant", current.id);
    else list.removeAttribute("aria-activedescendant");
  }

  function row(outcome, fresh) {
    const where = make("span", { class: "where", title: `${outcome.product ?? "–"}/${outcome.module ?? "–"}` }, make("i", {}, `${outcome.product ?? "–"}/`), outcome.module ?? "–");
    return make(
      "div",
      { class: `row${fresh ? " fresh" : ""}${outcome.repeated ? " again" : ""}`, role: "option", id: `outcome-${outcome.n}`, "data-n": outcome.n, "data-status": outcome.status },
      make("span", { class: "time" }, timeOf(outcome.at)),
      make("span", { class: "status" }, t(outcome.status)),
      where,
      make("span", { class: "note", title: outcome.note || null }, make("span", {}, [outcome.repeated ? t("again") : "", outcome.note].filter(Boolean).join(" · "))),
      make("span", { class: "tries" }, outcome.attempts > 1 ? `× ${outcome.attempts}` : ""),
    );
  }

  function select(place) {
    if (!shown.length) return;
    const bounded = Math.max(0, Math.min(shown.length - 1, place));
    active = at(bounded);
    const top = bounded * height;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
    render();
  }

  function move(by) {
    const place = active ? shown.length - 1 - shown.indexOf(active) + by : 0;
    list.focus();
    select(place);
  }

  function key(event) {
    const page = Math.max(1, Math.floor(list.clientHeight / height) - 1);
    const place = active ? shown.length - 1 - shown.indexOf(active) : -1;
    const moves = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + page, PageUp: place - page, Home: 0, End: shown.length - 1 };
    if (event.key in moves) select(moves[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && active) address.open(`outcomes/${active.n}`);
    else return;
    event.preventDefault();
  }

  // New outcomes may move the rows while the button is down: the row that was pressed counts.
  function click(event) {
    const element = pressed ?? event.target.closest(".row");
    if (!element) return;
    active = all.find((outcome) => outcome.n === Number(element.dataset.n));
    render();
    address.open(`outcomes/${active.n}`);
  }

  function count(statuses) {
    const items = [["all", Object.values(statuses).reduce((sum, n) => sum + n, 0)], ...STATUSES.map((name) => [name, statuses[name] ?? 0])];
    keyed($("statuses"), items, ([name]) => name, pill);
  }

  function pill([name, count], old) {
    const pressed = name === (only ?? "all");
    const label = name === "all" ? make("span", {}, t("all")) : make("span", { class: "status", "data-status": name }, t(name));
    const button = old ?? make("button", { type: "button", onclick: () => choose(name) });
    button.setAttribute("aria-pressed", pressed);
    button.replaceChildren(label, make("b", {}, number(count)));
    return button;
  }

  function choose(name) {
    only = name === "all" || name === only ? null : name;
    filtered();
  }

  function chooseRun(name) {
    run = name === run ? null : name;
    filtered();
  }

  // What is shown is in the address, and can be had as a table.
  function filtered() {
    address.filter({ status: only, run, search: words });
    show();
  }

  function show() {
    for (const button of $("statuses").children) button.setAttribute("aria-pressed", button.dataset.key === (only ?? "all"));
    for (const button of $("runs").querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset.run === run);
    $("csv").href = `outcomes.csv?${new URLSearchParams({ status: only ?? "", run: run ?? "", search: words })}`;
    refresh();
  }

  // After a story everything stands where it stood.
  function restore(filters) {
    const before = JSON.stringify([only ?? "", run ?? "", words]);
    if (before === JSON.stringify([filters.status ?? "", filters.run ?? "", (filters.search ?? "").toLowerCase()])) return;
    only = STATUSES.includes(filters.status) ? filters.status : null;
    run = filters.run ?? null;
    words = (filters.search ?? "").toLowerCase();
    $("outcome-search").value = filters.search ?? "";
    show();
  }

  // The outcome beside another one in the list; older ones stand below.
  function beside(number, step) {
    const place = shown.findIndex((outcome) => outcome.n === number);
    const found = place < 0 ? null : shown[place - step];
    if (found) { active = found; render(); }
    return found ?? null;
  }

  list.addEventListener("scroll", () => render(), { passive: true });
  list.addEventListener("keydown", key);
  list.addEventListener("focus", () => active ?? select(0));
  rows.addEventListener("pointerdown", (event) => { pressed = event.target.closest(".row"); });
  rows.addEventListener("click", click);
  new ResizeObserver(() => render()).observe(list);
  $("newer").addEventListener("click", () => { list.scrollTop = 0; list.focus(); });
  $("outcome-search").addEventListener("input", (event) => { words = event.target.value.trim().toLowerCase(); filtered(); });
  count({});
  return { add, reset, count, move, beside, chooseRun, restore, isRun: (name) => name === run, of: (request) => all.findLast((outcome) => outcome.id === request) };
})();
