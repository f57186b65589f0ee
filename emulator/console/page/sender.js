// The form that sends a request.

import { address } from "./address.js";
import { $, make, put } from "./elements.js";
import { outcomes } from "./outcomes.js";
import { check } from "./schema.js";
import { ask } from "./server.js";
import { counted, t } from "./strings.js";

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

export const sender = (() => {
  const form = $("send-form");
  const result = $("send-result");
  let waiting = [];

  function build() {
    const more = FIELDS.filter((field) => field.more).map(control);
    const details = make("details", {}, make("summary", {}, t("moreFields")), make("div", { class: "inner" }, ...more));
    $("fields").append(...FIELDS.filter((field) => !field.more).map(control), details);
  }

  function control(field) {
    const common = { id: `field-${field.name}`, name: field.name, "aria-describedby": `problem-${field.name}` };
    const input = field.options
      ? make("select", common, ...field.options.map((value) => make("option", { value }, value || t("asConfigured"))))
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
    return errors.filter((error) => !known.has(error.Field)).map((error) => `${error.Field || t("body")} ${error.Problem}`);
  }

  function conclude(status, errors, detail, id) {
    const rest = showErrors(errors);
    const bad = status === "rejected" || status === "failed" || !status;
    const words = [status ? t(status) : t("notAccepted"), rest.join("; ") || (errors.length ? t("toCorrect", { fields: counted(errors.length, "field") }) : detail)].filter(Boolean).join(": ");
    say(words, bad, id ? storyButton(id) : "");
  }

  function storyButton(id) {
    return make("button", { type: "button", onclick: () => address.open(`requests/${encodeURIComponent(id)}`) }, t("story"));
  }

  // What the schema refuses can be sent all the same: to see what the function says.
  async function submit(event) {
    event.preventDefault();
    clear();
    waiting = [];
    const problems = await check(request());
    if (!problems.length) return send();
    const rest = showErrors(problems);
    const anyway = make("button", { type: "button", onclick: send }, t("sendAnyway"));
    say([t("notSent", { fields: counted(problems.length, "field") }), ...rest].join("; "), true, anyway);
  }

  async function send() {
    const button = form.querySelector("button.primary");
    const via = form.elements.via.value;
    clear();
    button.disabled = true;
    say(t("sending"));
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
    say(t("queuedNow"), false, storyButton(own ?? message));
    const found = outcomes.of(message) ?? outcomes.of(own);
    if (found && Date.now() / 1000 - found.at < 2) arrived([found]);
  }

  function answered({ status, body, seconds }) {
    const took = t("took", { status, seconds: seconds.toFixed(2) });
    conclude(body?.Status, body?.errors ?? [], body?.Status && status < 300 ? took : `${body?.detail ?? ""} (${took})`, body?.Id);
  }

  async function arrived(fresh) {
    const mine = fresh.find((outcome) => waiting.includes(outcome.id));
    if (!mine) return;
    waiting = [];
    const found = await ask(`outcomes/${mine.n}`).catch(() => null);
    conclude(mine.status, found?.outcome.data.Errors ?? [], mine.note, mine.id);
  }

  // The control API takes both ways, and needs no signature.
  function copy() {
    const body = JSON.stringify({ via: form.elements.via.value, request: request() });
    const command = `curl -H 'content-type: application/json' -d '${body.replaceAll("'", "'\\''")}' ${new URL("requests", location.href)}`;
    navigator.clipboard.writeText(command).then(() => say(t("copied")), (error) => say(error.message, true));
  }

  build();
  $("curl").addEventListener("click", copy);
  form.addEventListener("submit", submit);
  return { arrived };
})();
