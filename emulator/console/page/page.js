// The page of the local cloud. It is told everything by server-sent events; text reaches the page as text, never as markup.

const STATUSES = ["created", "existing", "updated", "rejected", "failed"];
const CHARTED = ["CreateOTAModule", "ListOTAModuleByProduct", "UpdateOTAModule"];
const MINUTE = 60;
const KEPT = 20000;
const PRODUCTS_SHOWN = 200;
const SVG = "http://www.w3.org/2000/svg";
const still = matchMedia("(prefers-reduced-motion: reduce)");

const FIELDS = [
  { name: "ProductKey", list: "product-keys" },
  { name: "ModuleName" },
  { name: "AliasName" },
  { name: "OnExisting", options: ["", "keep", "update", "fail"] },
  { name: "Desc", long: true },
  { name: "IotInstanceId", more: true },
  { name: "Id", more: true },
  { name: "CorrelationId", more: true, long: true },
];
const ROLES = { RequestQueue: "Requests", OutcomeQueue: "Outcomes", DeadLetterQueue: "Dead letters" };
const CREATE = { service: "iot", operation: "CreateOTAModule" };
const PRESETS = [
  ["API is slow", { service: "iot", kind: "delay", seconds: 2 }],
  ["API throttles", { ...CREATE, kind: "throttle", probability: 0.3 }],
  ["API says 503", { service: "iot", kind: "status", probability: 0.3 }],
  ["Answers lost", { ...CREATE, kind: "drop", probability: 0.3, after: true }],
  ["Busy neighbour", { ...CREATE, kind: "neighbour", amount: 4 }],
  ["Function killed", { ...CREATE, kind: "kill", probability: 0.05 }],
  ["Batches twice", { service: "stream", kind: "redeliver", probability: 0.5 }],
  ["Topic says 500", { service: "smq", operation: "PublishMessage", kind: "status", probability: 0.3, status: 500 }],
];

const $ = (id) => document.getElementById(id);

// Elements

function make(tag, properties = {}, ...children) {
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

function svg(tag, properties = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  return element;
}

function put(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

// Makes a list's children anew only where what they show has changed, so that focus and open parts stay.
function keyed(parent, items, keyOf, render) {
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

// Words

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const timeOf = (seconds) => clock.format(seconds * 1000);
const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
const short = (id) => (id.length > 14 ? `${id.slice(0, 4)}…${id.slice(-6)}` : id);

function elapsed(seconds) {
  if (seconds < 0.0995) return `+${Math.max(0, Math.round(seconds * 1000))} ms`;
  return seconds < 100 ? `+${seconds.toFixed(2)} s` : `+${Math.round(seconds)} s`;
}

// The server

async function ask(path, method = "GET", body = undefined) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(value.detail ?? `the server answers ${answer.status}`);
  return value;
}

const calls = (() => {
  const samples = [];
  const charts = new Map();
  let limits = {};
  let arrived = 0;

  function add(fresh) {
    const last = samples.length ? samples[samples.length - 1].t : 0;
    samples.push(...fresh.filter((sample) => sample.t > last));
    arrived = performance.now();
    while (samples.length && samples[0].t < samples[samples.length - 1].t - MINUTE - 2) samples.shift();
    draw();
  }

  function reset() {
    samples.length = 0;
  }

  function operations() {
    const seen = new Set(CHARTED);
    for (const sample of samples) for (const name of Object.keys(sample.calls)) seen.add(name);
    return [...seen];
  }

  function draw() {
    for (const name of operations()) {
      if (!charts.has(name)) charts.set(name, chart(name));
      update(charts.get(name), name);
    }
  }

  function chart(name) {
    const now = make("span", { class: "now" });
    const throttled = make("p", { class: "throttled none" });
    const picture = svg("svg", { viewBox: "0 0 300 80", preserveAspectRatio: "none", role: "img", "aria-label": "" });
    const moving = svg("g");
    const parts = { area: svg("path", { class: "area" }), line: svg("path", { class: "line" }), marks: svg("path", { class: "marks" }) };
    const limit = svg("path", { class: "limit" });
    moving.append(parts.area, parts.line, parts.marks);
    picture.append(svg("path", { class: "base", d: "M0 79.5H300" }), limit, moving);
    const item = make("li", { class: "chart", "data-operation": name }, make("p", { class: "name" }, make("b", {}, name), now), throttled, picture);
    $("charts").append(item);
    return { item, now, throttled, picture, moving, limit, ...parts };
  }

  function update(shown, name) {
    const limit = limits[name] ?? 10;
    const values = samples.map((sample) => sample.calls[name] ?? 0);
    const refused = samples.reduce((sum, sample) => sum + (sample.throttled[name] ?? 0), 0);
    const peak = Math.max(0, ...values);
    const latest = values[values.length - 1] ?? 0;
    const height = (value) => 79 - (value / Math.max(limit * 1.15, peak * 1.05)) * 77;
    shown.now.replaceChildren(String(latest), make("small", {}, ` / ${limit}`));
    put(shown.throttled, refused ? `${refused} throttled in this minute` : `peak ${peak}`);
    shown.throttled.classList.toggle("none", !refused);
    shown.item.dataset.now = latest;
    shown.item.dataset.peak = peak;
    shown.item.dataset.throttled = refused;
    shown.picture.setAttribute("aria-label", `${name}: ${latest} calls in the last second, at most ${peak} in this minute, limit ${limit}`);
    shown.limit.setAttribute("d", `M0 ${height(limit).toFixed(1)}H300`);
    trace(shown, name, values, height);
    shown.quiet = peak === 0;
  }

  function trace(shown, name, values, height) {
    const end = samples.length ? samples[samples.length - 1].t : 0;
    const x = (sample) => (300 * (1 + (sample.t - end) / MINUTE)).toFixed(1);
    const steps = samples.map((sample, place) => `${place ? `H${x(sample)}` : `M${x(sample)} ${height(values[0]).toFixed(1)}`}V${height(values[place]).toFixed(1)}`);
    const line = steps.join("");
    shown.line.setAttribute("d", line);
    shown.area.setAttribute("d", line ? `${line}V79H${x(samples[0])}Z` : "");
    const marks = samples.filter((sample) => sample.throttled[name]).map((sample) => `M${x(sample)} 1V9`);
    shown.marks.setAttribute("d", marks.join(""));
  }

  // Between two samples the line goes on moving.
  function slide() {
    const behind = still.matches ? 0 : Math.min(0.4, (performance.now() - arrived) / 1000);
    for (const shown of charts.values()) {
      if (!shown.quiet) shown.moving.setAttribute("transform", `translate(${(-behind * 300) / MINUTE} 0)`);
    }
    requestAnimationFrame(slide);
  }

  function setLimits(found) {
    limits = found;
  }

  requestAnimationFrame(slide);
  return { add, reset, setLimits };
})();

// Outcomes: thousands are kept, and only those in sight have an element.

const outcomes = (() => {
  const list = $("outcome-list");
  const rows = $("outcome-rows");
  const pool = new Map();
  let all = [];
  let shown = [];
  let only = null;
  let words = "";
  let active = null;
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
    return !words || haystack(outcome).includes(words);
  }

  function haystack(outcome) {
    outcome.text ??= [outcome.product, outcome.module, outcome.id, outcome.correlation, outcome.note].join(" ").toLowerCase();
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
    if (!shown.length && all.length) put($("outcome-empty"), "No outcome is like that.");
    if (list.scrollTop <= height) unseen = 0;
    $("newer").hidden = unseen === 0;
    put($("newer"), `${unseen.toLocaleString("en")} newer ↑`);
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
      make("span", { class: "status" }, outcome.status),
      where,
      make("span", { class: "note", title: outcome.note || null }, outcome.repeated ? `again · ${outcome.note}` : outcome.note),
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

  function key(event) {
    const page = Math.max(1, Math.floor(list.clientHeight / height) - 1);
    const place = active ? shown.length - 1 - shown.indexOf(active) : -1;
    const moves = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + page, PageUp: place - page, Home: 0, End: shown.length - 1 };
    if (event.key in moves) select(moves[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && active) story.open(`outcomes/${active.n}`, active.id);
    else return;
    event.preventDefault();
  }

  function click(event) {
    const element = event.target.closest(".row");
    if (!element) return;
    active = all.find((outcome) => outcome.n === Number(element.dataset.n));
    render();
    story.open(`outcomes/${active.n}`, active.id);
  }

  function count(statuses) {
    const items = [["all", Object.values(statuses).reduce((sum, n) => sum + n, 0)], ...STATUSES.map((name) => [name, statuses[name] ?? 0])];
    keyed($("statuses"), items, ([name]) => name, pill);
  }

  function pill([name, number], old) {
    const pressed = name === (only ?? "all");
    const label = name === "all" ? make("span", {}, "all") : make("span", { class: "status", "data-status": name }, name);
    const button = old ?? make("button", { type: "button", onclick: () => choose(name) });
    button.setAttribute("aria-pressed", pressed);
    button.replaceChildren(label, make("b", {}, number.toLocaleString("en")));
    return button;
  }

  function choose(name) {
    only = name === "all" || name === only ? null : name;
    for (const button of $("statuses").children) button.setAttribute("aria-pressed", button.dataset.key === (only ?? "all"));
    refresh();
  }

  list.addEventListener("scroll", () => render(), { passive: true });
  list.addEventListener("keydown", key);
  list.addEventListener("focus", () => active ?? select(0));
  rows.addEventListener("click", click);
  new ResizeObserver(() => render()).observe(list);
  $("newer").addEventListener("click", () => { list.scrollTop = 0; list.focus(); });
  $("outcome-search").addEventListener("input", (event) => { words = event.target.value.trim().toLowerCase(); refresh(); });
  count({});
  return { add, reset, count, of: (request) => all.findLast((outcome) => outcome.id === request) };
})();

// The story of a request

const story = (() => {
  const dialog = $("story");
  let path = null;
  let request = null;

  async function open(where, id) {
    path = where;
    request = id;
    $("story-body").replaceChildren(make("p", { class: "empty" }, "…"));
    put($("story-title"), "Story");
    if (!dialog.open) dialog.showModal();
    $("story-title").focus();
    await load();
  }

  async function load() {
    const wanted = path;
    const found = await ask(wanted).catch((error) => error);
    if (wanted !== path) return; // Another story was opened meanwhile.
    if (found instanceof Error) $("story-body").replaceChildren(make("p", { class: "empty" }, found.message));
    else show(found);
  }

  function show(found) {
    const data = found.outcome?.data ?? {};
    const name = data.ProductKey || data.ModuleName ? `${data.ProductKey ?? "–"}/${data.ModuleName ?? "–"}` : found.request;
    $("story-title").replaceChildren(name, data.Status ? make("span", { class: "status", "data-status": data.Status }, data.Status) : "");
    $("story-body").replaceChildren(facts(found, data), ...timeline(found), ...related(found.related), ...raw(found.outcome));
  }

  function facts(found, data) {
    const pairs = [["Id", found.request], ["Correlation", data.CorrelationId], ["Alias", data.AliasName], ["Description", data.Desc], ["Instance", data.IotInstanceId], ["Code", data.Code], ["Message", data.ErrorMessage], ["API request", data.RequestId], ["Attempts", data.Attempts]];
    const shown = pairs.filter(([, value]) => value !== undefined && value !== null);
    const errors = (data.Errors ?? []).map((error) => [error.Field || "Body", error.Problem, "bad"]);
    const drift = Object.entries(data.Drift ?? {}).map(([field, each]) => [`${field} differs`, `wanted “${each.Wanted}”, found “${each.Found}”`]);
    const entries = [...shown, ...errors, ...drift].flatMap(([term, value, tone]) => [make("dt", {}, term), make("dd", { class: tone }, String(value))]);
    return make("dl", { class: "facts" }, ...entries);
  }

  function timeline(found) {
    if (!found.steps.length) return [make("h3", {}, "What happened"), make("p", { class: "empty" }, "No more is remembered of it.")];
    const start = found.steps[0].at;
    const items = found.steps.map((step, place) => entry(step, place ? elapsed(step.at - start) : timeOf(start)));
    return [make("h3", {}, "What happened"), make("ol", { class: "steps" }, ...items), found.more ? make("p", { class: "hint" }, `and ${found.more} steps more`) : ""];
  }

  function entry(step, when) {
    const [tone, title, ...details] = TELL[step.kind](step);
    return make("li", { class: tone, "data-kind": step.kind }, make("time", {}, when), make("i", { "aria-hidden": "true" }), make("p", {}, title, ...details.filter(Boolean).map((text) => make("small", { class: text === step.code ? "code mono" : null }, text))));
  }

  const TELL = {
    queued: (step) => ["", step.attempt > 1 ? `Put back into ${step.queue}, attempt ${step.attempt}` : `Sent to ${step.queue}`, `message ${step.message}`],
    delivered: (step) => ["", `Delivered to ${step.function}`, `invocation ${step.invocation}`, step.instance ? `instance ${step.instance}` : ""],
    call: (step) => [step.success ? "good" : "bad", `${step.operation} → ${step.success ? "success" : step.status === 200 ? "refused" : `HTTP ${step.status}`}`, step.code, ...sent(step.sent), `request ${step.request}`],
    published: (step) => ["end", `Outcome published: ${step.status}`, `event ${step.event}`],
    worked: (step) => [step.status === "unfinished" ? "bad" : "", `The function is done: ${step.status}${step.reason ? ` (${step.reason})` : ""}`, step.detail, work(step), step.lost ? `${counted(step.lost, "call")} met a fault and never reached the API` : ""],
    acknowledged: (step) => ["", "Message deleted", `message ${step.message}`],
    dead: (step) => ["bad", `Given up into ${step.queue}: ${step.reason}`, `message ${step.message}`],
    failed: (step) => ["bad", `${step.function} ended in ${step.error}`, step.text, `invocation ${step.invocation}`],
  };

  function work(step) {
    const throttles = step.throttles ? `, ${counted(step.throttles, "throttle")}` : "";
    return `attempt ${step.attempt}, ${counted(step.calls ?? 0, "call")}${throttles}, waited ${(step.waited ?? 0).toFixed(2)} s`;
  }

  const sent = (parameters) => Object.entries(parameters).map(([name, value]) => `${name}: ${value}`);

  function related(others) {
    if (!others.length) return [];
    const items = others.map((one) => make("li", {}, make("button", { type: "button", onclick: () => open(`outcomes/${one.n}`, one.id) }, make("span", { class: "status", "data-status": one.status }, one.status), make("span", { class: "mono" }, `${one.product ?? "–"}/${one.module ?? "–"}`))));
    return [make("h3", {}, "With the same correlation"), make("ul", { class: "related" }, ...items)];
  }

  function raw(event) {
    if (!event) return [];
    return [make("details", {}, make("summary", {}, "The outcome as it was published"), make("pre", {}, JSON.stringify(event, null, 2)))];
  }

  function arrived(fresh) {
    if (dialog.open && fresh.some((outcome) => outcome.id === request)) load();
  }

  $("story-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  return { open, arrived };
})();

// Queues, streams, functions

function showQueues(state) {
  const order = Object.keys(ROLES);
  const queues = Object.entries(state.queues).map(([name, depth]) => ({ name, role: state.roles[name], ...depth }));
  queues.sort((one, other) => order.indexOf(one.role) - order.indexOf(other.role));
  keyed($("queue-rows"), queues, (queue) => queue.name, queueRow);
  keyed($("streams"), state.streams, (stream) => stream.name, streamRow);
}

function queueRow(queue) {
  const figures = ["active", "inactive", "delayed"].map((name) => make("td", { class: queue[name] ? "some" : "zero", "data-figure": name }, queue[name].toLocaleString("en")));
  const title = make("th", { scope: "row" }, ROLES[queue.role] ?? queue.name, ROLES[queue.role] ? make("small", {}, queue.name) : null);
  return make("tr", { "data-role": queue.role, "data-queue": queue.name }, title, ...figures);
}

function streamRow(stream) {
  const figures = [["in flight", stream.inFlight], ["delivered", stream.delivered], ["retried", stream.retried], ["dead", stream.deadLettered]];
  const parts = figures.map(([name, value]) => make("span", {}, make("b", {}, value.toLocaleString("en")), ` ${name}`));
  return make("div", { title: stream.name }, make("dt", {}, "Stream ", make("b", {}, stream.state.toLowerCase())), make("dd", {}, ...parts.flatMap((part, place) => (place ? [" · ", part] : [part]))));
}

function showFunctions(state) {
  const items = state.functions.map((one) => ({ ...one, instances: state.instances.filter((instance) => instance.function === one.name) }));
  keyed($("function-list"), items, (one) => one.name, functionItem);
}

function functionItem(one) {
  const troubles = [[one.errors, "error"], [one.timeouts, "timeout"], [one.throttles, "refused", "refused"]].filter(([count]) => count);
  const words = troubles.map(([count, name, many]) => counted(count, name, many)).join(", ");
  const title = make("p", { class: "title" }, make("span", {}, one.name), make("small", {}, `${counted(one.invocations, "call")}`, words ? make("span", { class: "error" }, ` · ${words}`) : ""));
  const boxes = one.instances.map((instance) => make("li", { "data-state": instance.state }, make("i", { "aria-hidden": "true" }), instance.state, make("small", {}, `${instance.pid ?? ""} · ${instance.invocations}×`)));
  return make("li", { "data-function": one.name }, title, boxes.length ? make("ul", { class: "boxes" }, ...boxes) : make("p", { class: "idle" }, `no instance; at most ${one.limit}`));
}

// Modules by product

const modules = (() => {
  let products = [];
  let stamp = null;
  let loading = false;

  async function changed(found) {
    if (found === stamp || loading) return;
    loading = true;
    try {
      products = await ask("modules");
      stamp = found;
      suggest();
      render();
    } catch {
      stamp = null; // The next state asks again.
    } finally {
      loading = false;
    }
  }

  function suggest() {
    keyed($("product-keys"), products.slice(0, 500), (one) => one.key, (one) => make("option", { value: one.key }, one.name));
  }

  const search = () => $("module-search").value.trim().toLowerCase();
  const text = (module) => `${module.name} ${module.alias ?? ""}`.toLowerCase();

  function passes(product) {
    const kind = $("module-filter").value;
    const count = product.modules.length;
    if ((kind === "some" && !count) || (kind === "none" && count) || (kind === "full" && count < product.most)) return false;
    const words = search();
    return `${product.key} ${product.name} ${product.instance ?? ""}`.toLowerCase().includes(words) || product.modules.some((module) => text(module).includes(words));
  }

  function render() {
    const found = products.filter(passes);
    const count = found.reduce((sum, product) => sum + product.modules.length, 0);
    const more = found.length > PRODUCTS_SHOWN ? `, the first ${PRODUCTS_SHOWN} shown` : "";
    put($("module-count"), `${count.toLocaleString("en")} in ${counted(found.length, "product")}${more}`);
    $("module-empty").hidden = found.length > 0 || !products.length;
    const words = search();
    keyed($("products"), found.slice(0, PRODUCTS_SHOWN).map((product) => ({ product, words })), (one) => one.product.key, item);
  }

  function item({ product, words }, old) {
    const open = old?.querySelector("details")?.open || (words !== "" && product.modules.some((module) => text(module).includes(words)));
    const line = headline(product);
    if (!product.modules.length) return make("li", { "data-product": product.key }, make("div", { class: "plain" }, ...line));
    const chips = product.modules.map((module) => chip(module, words));
    const details = make("details", open ? { open: "" } : {}, make("summary", {}, ...line), make("ul", { class: "chips" }, ...chips));
    return make("li", { "data-product": product.key }, details);
  }

  function headline(product) {
    const count = product.modules.length;
    const slots = make("span", { class: "slots", "aria-hidden": "true" }, ...Array.from({ length: product.most }, (_, place) => make("i", { class: place < count ? "on" : null })));
    const place = product.instance ? ` · ${product.instance}` : "";
    return [make("span", { class: "title" }, `${product.name}${place}`), make("span", { class: "key" }, product.key), slots, make("span", { class: count >= product.most ? "count full" : "count" }, `${count}/${product.most}`)];
  }

  function chip(module, words) {
    const hit = words !== "" && text(module).includes(words);
    return make("li", { class: hit ? "hit" : null, title: module.desc }, module.name, module.alias ? make("small", {}, ` ${module.alias}`) : "");
  }

  $("module-filter").addEventListener("change", render);
  $("module-search").addEventListener("input", render);
  return { changed };
})();

// Sending

const sender = (() => {
  const form = $("send-form");
  const result = $("send-result");
  let waiting = [];

  function build() {
    const more = FIELDS.filter((field) => field.more).map(control);
    const details = make("details", {}, make("summary", {}, "Instance, Id, correlation"), make("div", { class: "inner" }, ...more));
    $("fields").append(...FIELDS.filter((field) => !field.more).map(control), details);
  }

  function control(field) {
    const common = { id: `field-${field.name}`, name: field.name, "aria-describedby": `problem-${field.name}` };
    const input = field.options
      ? make("select", common, ...field.options.map((value) => make("option", { value }, value || "as configured")))
      : make("input", { ...common, list: field.list, spellcheck: "false", autocomplete: "off" });
    const problem = make("p", { class: "problem", id: `problem-${field.name}` });
    return make("div", { class: field.long ? "field long" : "field" }, make("label", { for: common.id }, field.name), input, problem);
  }

  function request() {
    const given = FIELDS.map(({ name }) => [name, form.elements[name].value]).filter(([, value]) => value !== "");
    return Object.fromEntries(given);
  }

  function say(text, bad = false, ...more) {
    result.classList.toggle("bad", bad);
    result.replaceChildren(text, ...more);
  }

  function clear() {
    for (const { name } of FIELDS) mark(name, "");
  }

  function mark(name, text) {
    put($(`problem-${name}`), text);
    if (text) form.elements[name].setAttribute("aria-invalid", "true");
    else form.elements[name].removeAttribute("aria-invalid");
  }

  // Returns what belongs to no field of the form.
  function showErrors(errors) {
    const known = new Set(FIELDS.map((field) => field.name));
    const mine = errors.filter((error) => known.has(error.Field));
    for (const error of mine) mark(error.Field, error.Problem);
    const details = form.querySelector("details");
    if (mine.some((error) => details.contains(form.elements[error.Field]))) details.open = true;
    if (mine.length && (document.activeElement === document.body || form.contains(document.activeElement))) form.elements[mine[0].Field].focus();
    return errors.filter((error) => !known.has(error.Field)).map((error) => `${error.Field || "body"} ${error.Problem}`);
  }

  function conclude(status, errors, detail, id) {
    const rest = showErrors(errors);
    const bad = status === "rejected" || status === "failed" || !status;
    const words = [status || "not accepted", rest.join("; ") || (errors.length ? `${counted(errors.length, "field")} to correct` : detail)].filter(Boolean).join(": ");
    say(words, bad, id ? storyButton(id) : "");
  }

  function storyButton(id) {
    return make("button", { type: "button", onclick: () => story.open(`requests/${encodeURIComponent(id)}`, id) }, "Story");
  }

  async function submit(event) {
    event.preventDefault();
    const button = form.querySelector("button.primary");
    const via = form.elements.via.value;
    clear();
    waiting = [];
    button.disabled = true;
    say("sending …");
    try {
      const sent = request();
      const answer = await ask("requests", "POST", { via, request: sent });
      if (via === "queue") queued(sent.Id, answer.message);
      else answered(answer);
    } catch (error) {
      say(error.message, true);
    } finally {
      button.disabled = false;
      if (document.activeElement === document.body) button.focus();
    }
  }

  // A request whose own Id breaks the rules goes by its message's.
  function queued(own, message) {
    waiting = [own, message];
    say("queued, its outcome is on the way …", false, storyButton(own ?? message));
    const found = outcomes.of(message) ?? outcomes.of(own);
    if (found && Date.now() / 1000 - found.at < 2) arrived([found]);
  }

  function answered({ status, body, seconds }) {
    const took = `HTTP ${status} in ${seconds.toFixed(2)} s`;
    conclude(body?.Status, body?.errors ?? [], body?.Status && status < 300 ? took : `${body?.detail ?? ""} (${took})`, body?.Id);
  }

  async function arrived(fresh) {
    const mine = fresh.find((outcome) => waiting.includes(outcome.id));
    if (!mine) return;
    waiting = [];
    const found = await ask(`outcomes/${mine.n}`).catch(() => null);
    conclude(mine.status, found?.outcome.data.Errors ?? [], mine.note, mine.id);
  }

  build();
  form.addEventListener("submit", submit);
  return { arrived };
})();

// Dead letters

const dead = (() => {
  let depth = null;
  let stale = false;

  async function changed(state) {
    const name = Object.keys(state.roles).find((queue) => state.roles[queue] === "DeadLetterQueue");
    const now = name ? JSON.stringify(state.queues[name]) : null;
    if (now === depth && !stale) return;
    depth = now;
    stale = false;
    try {
      show(await ask("dead-letters"), name ? state.queues[name].active : 0);
    } catch {
      stale = true;
    }
  }

  function show(letters, count) {
    put($("dead-count"), count ? `${count.toLocaleString("en")}${count > letters.length ? `, the oldest ${letters.length} shown` : ""}` : "");
    $("dead-empty").hidden = letters.length > 0;
    $("replay-all").hidden = letters.length < 2;
    keyed($("letters"), letters, (letter) => letter.message, item);
  }

  function item(letter) {
    const names = letter.requests.map((one) => `${one.ProductKey ?? "–"}/${one.ModuleName ?? "–"}`);
    const id = letter.requests[0]?.Id;
    const title = names.length > 1 ? `${names[0]} and ${names.length - 1} more` : (names[0] ?? "not readable");
    const acts = make("div", { class: "acts" }, id ? make("button", { type: "button", "aria-label": `Story of ${title}`, onclick: () => story.open(`requests/${encodeURIComponent(id)}`, id) }, "Story") : "", make("button", { type: "button", "aria-label": `Replay ${title}`, onclick: (event) => replay({ messages: [letter.message] }, event.target) }, "Replay"));
    return make("li", { "data-message": letter.message }, make("p", { class: "what" }, title), make("p", { class: "why" }, make("b", {}, letter.reason), ` ${timeOf(letter.at)} ${letter.detail}`), acts);
  }

  async function replay(chosen, button) {
    button.disabled = true;
    try {
      const { replayed, refused } = await ask("dead-letters/replay", "POST", chosen);
      const reasons = Object.values(refused);
      const stay = reasons.length ? `; ${reasons.length} not: ${reasons[0]}` : "";
      put($("dead-result"), replayed.length || stay ? `${counted(replayed.length, "letter")} sent again${stay}` : "It was gone already.");
    } catch (error) {
      put($("dead-result"), error.message);
    } finally {
      button.disabled = false;
      stale = true;
      $("dead").querySelector(".scroll").focus();
    }
  }

  $("replay-all").addEventListener("click", (event) => replay({}, event.target));
  return { changed };
})();

// Faults

const faults = (() => {
  let rules = [];

  const words = (rule) => Object.entries(rule).map(([name, value]) => `${name}=${value}`).join(" ");
  const plain = ({ id, seen, fired, ...rule }) => JSON.stringify(Object.entries(rule).sort());
  const active = (rule) => rules.find((one) => plain(one) === plain(rule));

  function changed(found) {
    rules = found;
    const presets = PRESETS.map(([name, rule]) => ({ name, rule, on: active(rule) }));
    keyed($("switches"), presets, (preset) => preset.name, toggle);
    const known = new Set(presets.map((preset) => preset.on?.id));
    keyed($("rules"), rules.filter((rule) => !known.has(rule.id)), (rule) => rule.id, other);
  }

  function toggle(preset, old) {
    const item = old ?? make("li", {}, make("button", { type: "button", role: "switch", title: words(preset.rule), onclick: () => flip(item.preset) }));
    item.preset = preset;
    const button = item.firstChild;
    button.setAttribute("aria-checked", Boolean(preset.on));
    button.replaceChildren(make("span", {}, preset.name), preset.on ? make("small", {}, `${preset.on.fired}×`) : "");
    return item;
  }

  async function flip({ rule }) {
    const on = active(rule);
    await tell(on ? ask(`faults/${on.id}`, "DELETE") : ask("faults", "POST", rule).then(() => ask("faults")));
  }

  // What did not work is seen by the switch that did not move.
  async function tell(answer) {
    changed(await answer.catch(() => rules));
  }

  function other({ id, seen, fired, ...rule }) {
    const end = make("button", { type: "button", "aria-label": `End ${words(rule)}`, onclick: () => tell(ask(`faults/${id}`, "DELETE")) }, "End");
    return make("li", {}, make("code", {}, `${words(rule)} · ${fired}×`), end);
  }

  return { changed };
})();

// The stream of events

let boot = null;

function hello(about) {
  if (boot !== about.boot) {
    boot = about.boot;
    calls.reset();
    outcomes.reset();
  }
  linked("live", `live, up since ${timeOf(about.began)}`);
  const servers = Object.entries(about.urls).filter(([name]) => name !== "console");
  keyed($("servers"), servers, ([name]) => name, ([name, url]) => make("div", {}, make("dt", {}, { iot: "IoT", smq: "SMQ", fc: "FC" }[name] ?? name), make("dd", {}, url.replace("http://", ""))));
}

function linked(state, words) {
  $("link").dataset.state = state;
  put($("link").lastElementChild, words);
}

function showState(state) {
  calls.setLimits(state.limits);
  outcomes.count(state.statuses);
  showQueues(state);
  showFunctions(state);
  modules.changed(state.modules);
  dead.changed(state);
  faults.changed(state.faults);
}

function showOutcomes(fresh) {
  outcomes.add(fresh);
  story.arrived(fresh);
  sender.arrived(fresh);
}

function listen() {
  const events = new EventSource("events");
  const on = (name, take) => events.addEventListener(name, (event) => take(JSON.parse(event.data)));
  on("hello", hello);
  on("rates", calls.add);
  on("state", showState);
  on("outcomes", showOutcomes);
  events.addEventListener("error", () => linked("lost", "lost; trying again"));
}

listen();
