// The story of a request.

import { address } from "./address.js";
import { $, make, put } from "./elements.js";
import { outcomes } from "./outcomes.js";
import { ask } from "./server.js";
import { counted, elapsed, preciseTimeOf, t, timeOf } from "./strings.js";

export const story = (() => {
  const dialog = $("story");
  let path = null;
  let request = null;
  let number = null;

  async function open(where) {
    if (where === path && dialog.open) return;
    path = where;
    request = null;
    number = where.startsWith("outcomes/") ? Number(where.slice(9)) : null;
    $("story-body").replaceChildren(make("p", { class: "empty" }, "…"));
    put($("story-title"), t("story"));
    if (!dialog.open) dialog.showModal();
    $("story-title").focus();
    await load();
  }

  // The address leads, and the story follows.
  function follow(shown) {
    if (shown.story) open(shown.story);
    else if (dialog.open) dialog.close();
  }

  function step(by) {
    const next = number === null ? null : outcomes.beside(number, by);
    if (next) address.open(`outcomes/${next.n}`);
  }

  function key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, k: -1, j: 1 };
    if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step(steps[event.key]);
  }

  async function load() {
    const wanted = path;
    const found = await ask(wanted).catch((error) => error);
    if (wanted !== path) return; // Another story was opened meanwhile.
    if (found instanceof Error) $("story-body").replaceChildren(make("p", { class: "empty" }, found.message));
    else show(found);
  }

  function show(found) {
    request = found.request;
    number = found.n ?? outcomes.of(found.request)?.n ?? null;
    const data = found.outcome?.data ?? {};
    const name = data.ProductKey || data.ModuleName ? `${data.ProductKey ?? "–"}/${data.ModuleName ?? "–"}` : found.request;
    $("story-title").replaceChildren(name, data.Status ? make("span", { class: "status", "data-status": data.Status }, t(data.Status)) : "");
    $("story-body").replaceChildren(facts(found, data), ...timeline(found), ...log(found.log), ...related(found.related), ...raw(found.outcome));
  }

  function facts(found, data) {
    const pairs = [["Id", found.request], [t("correlation"), data.CorrelationId], [t("alias"), data.AliasName], [t("description"), data.Desc], [t("instance"), data.IotInstanceId], [t("code"), data.Code], [t("message"), data.ErrorMessage], [t("apiRequest"), data.RequestId], [t("attempts"), data.Attempts]];
    const shown = pairs.filter(([, value]) => value !== undefined && value !== null);
    const errors = (data.Errors ?? []).map((error) => [error.Field || t("body"), error.Problem, "bad"]);
    const drift = Object.entries(data.Drift ?? {}).map(([field, each]) => [t("differs", { field }), t("wantedFound", { wanted: each.Wanted, found: each.Found })]);
    const entries = [...shown, ...errors, ...drift].flatMap(([term, value, tone]) => [make("dt", {}, term), make("dd", { class: tone }, String(value))]);
    return make("dl", { class: "facts" }, ...entries);
  }

  function timeline(found) {
    if (!found.steps.length) return [make("h3", {}, t("whatHappened")), make("p", { class: "empty" }, t("noMoreKnown"))];
    const start = found.steps[0].at;
    const items = found.steps.map((step, place) => entry(step, place ? elapsed(step.at - start) : timeOf(start)));
    return [make("h3", {}, t("whatHappened")), make("ol", { class: "steps" }, ...items), found.more ? make("p", { class: "hint" }, t("moreSteps", { n: found.more })) : ""];
  }

  function entry(step, when) {
    const [tone, title, ...details] = TELL[step.kind](step);
    return make("li", { class: tone, "data-kind": step.kind }, make("time", {}, when), make("i", { "aria-hidden": "true" }), make("p", {}, title, ...details.filter(Boolean).map((text) => make("small", { class: text === step.code ? "code mono" : null }, text))));
  }

  const TELL = {
    queued: (step) => ["", step.attempt > 1 ? t("putBack", { queue: step.queue, n: step.attempt }) : t("sentTo", { queue: step.queue }), `${t("messageId")} ${step.message}`],
    delivered: (step) => ["", t("deliveredTo", { function: step.function }), `${t("invocation")} ${step.invocation}`, step.instance ? `${t("instanceId")} ${step.instance}` : ""],
    call: (step) => [step.success ? "good" : "bad", `${step.operation} → ${step.success ? t("success") : step.status === 200 ? t("refused") : `HTTP ${step.status}`}`, step.code, ...sent(step.sent), `${t("requestId")} ${step.request}`],
    published: (step) => ["end", t("published", { status: t(step.status) }), `${t("eventId")} ${step.event}`],
    worked: (step) => [step.status === "unfinished" ? "bad" : "", `${t("functionDone", { status: t(step.status) })}${step.reason ? ` (${step.reason})` : ""}`, step.detail, work(step), step.lost ? t("lostCalls", { calls: counted(step.lost, "call") }) : ""],
    acknowledged: (step) => ["", t("deleted"), `${t("messageId")} ${step.message}`],
    dead: (step) => ["bad", t("givenUp", { queue: step.queue, reason: step.reason }), `${t("messageId")} ${step.message}`],
    failed: (step) => ["bad", t("endedIn", { function: step.function, error: step.error }), step.text, `${t("invocation")} ${step.invocation}`],
  };

  function work(step) {
    const throttles = step.throttles ? `, ${counted(step.throttles, "throttle")}` : "";
    return t("work", { attempt: step.attempt, calls: counted(step.calls ?? 0, "call"), throttles, seconds: (step.waited ?? 0).toFixed(2) });
  }

  function log(lines) {
    if (!lines?.length) return [];
    const items = lines.map((line) => make("li", { "data-level": line.level, "data-event": line.event }, make("time", {}, line.at === null ? "" : preciseTimeOf(line.at)), make("b", {}, line.level ?? ""), make("code", {}, [line.event, ...Object.entries(line.fields).map(([name, value]) => `${name}=${typeof value === "string" && !/\s/.test(value) ? value : JSON.stringify(value)}`)].join(" "))));
    return [make("h3", {}, t("functionLog")), make("ol", { class: "log" }, ...items)];
  }

  const sent = (parameters) => Object.entries(parameters).map(([name, value]) => `${name}: ${value}`);

  function related(others) {
    if (!others.length) return [];
    const items = others.map((one) => make("li", {}, make("button", { type: "button", onclick: () => address.open(`outcomes/${one.n}`) }, make("span", { class: "status", "data-status": one.status }, t(one.status)), make("span", { class: "mono" }, `${one.product ?? "–"}/${one.module ?? "–"}`))));
    return [make("h3", {}, t("sameCorrelation")), make("ul", { class: "related" }, ...items)];
  }

  function raw(event) {
    if (!event) return [];
    return [make("details", {}, make("summary", {}, t("asPublished")), make("pre", {}, JSON.stringify(event, null, 2)))];
  }

  function arrived(fresh) {
    if (dialog.open && fresh.some((outcome) => outcome.id === request)) load();
  }

  dialog.addEventListener("keydown", key);
  dialog.addEventListener("close", () => { path = null; address.close(); });
  $("story-newer").addEventListener("click", () => step(-1));
  $("story-older").addEventListener("click", () => step(1));
  address.follow(follow);
  $("story-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  return { arrived };
})();
