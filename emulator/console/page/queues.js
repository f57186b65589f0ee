// Queues, the streams that read them, and the functions that they call.

import { $, keyed, make, put } from "./elements.js";
import { confirmed } from "./question.js";
import { ask } from "./server.js";
import { counted, number, t } from "./strings.js";

const ROLES = { RequestQueue: "requests", OutcomeQueue: "outcomes", DeadLetterQueue: "deadLetters" };

const titleOf = (queue) => (ROLES[queue.role] ? t(ROLES[queue.role]) : queue.name);

function complain(error) {
  put($("queue-result"), error.message);
}

export function showQueues(state) {
  const order = Object.keys(ROLES);
  const queues = Object.entries(state.queues).map(([name, depth]) => ({ name, role: state.roles[name], ...depth }));
  queues.sort((one, other) => order.indexOf(one.role) - order.indexOf(other.role));
  keyed($("queue-rows"), queues, (queue) => queue.name, queueRow);
  keyed($("streams"), state.streams, (stream) => stream.name, streamRow);
}

// Rows stay while their figures change, so that no click on a button is lost.
function queueRow(queue, old) {
  const row = old ?? newQueueRow(queue);
  for (const cell of row.querySelectorAll("[data-figure]")) {
    put(cell, number(queue[cell.dataset.figure]));
    cell.className = queue[cell.dataset.figure] ? "some" : "zero";
  }
  row.querySelector("button").style.visibility = queue.active + queue.delayed ? "" : "hidden";
  row.count = queue.active + queue.delayed;
  return row;
}

function newQueueRow(queue) {
  const figures = ["active", "inactive", "delayed"].map((name) => make("td", { "data-figure": name }));
  const title = make("th", { scope: "row" }, titleOf(queue), ROLES[queue.role] ? make("small", {}, queue.name) : null);
  const purge = make("button", { type: "button", "aria-label": `${t("purge")} ${titleOf(queue)}`, onclick: () => empty(queue, row.count) }, t("purge"));
  const row = make("tr", { "data-role": queue.role, "data-queue": queue.name }, title, ...figures, make("td", { class: "do" }, purge));
  return row;
}

async function empty(queue, count) {
  const messages = counted(count, "message");
  if (!(await confirmed(t("purgeQuestion", { messages, queue: titleOf(queue) }), t("purge")))) return;
  await ask(`queues/${encodeURIComponent(queue.name)}/purge`, "POST", {})
    .then(({ discarded }) => put($("queue-result"), t("purged", { messages: counted(discarded, "message"), queue: titleOf(queue) })))
    .catch(complain);
}

function streamRow(stream, old) {
  const row = old ?? newStreamRow(stream);
  const figures = [["inFlight", stream.inFlight], ["delivered", stream.delivered], ["retried", stream.retried], ["dead", stream.deadLettered]];
  const parts = figures.map(([name, value]) => make("span", {}, make("b", {}, number(value)), ` ${t(name)}`));
  row.querySelector("dt").replaceChildren(`${t("Stream")} `, make("b", {}, t(`stream${stream.state}`)));
  row.querySelector("dd").replaceChildren(...parts.flatMap((part, place) => (place ? [" · ", part] : [part])));
  const button = row.querySelector("button");
  row.action = stream.state === "Paused" ? "resume" : "pause";
  button.style.visibility = ["Paused", "Running"].includes(stream.state) ? "" : "hidden";
  put(button, t(row.action));
  row.dataset.state = stream.state;
  return row;
}

function newStreamRow(stream) {
  const steer = () => ask(`streams/${encodeURIComponent(stream.name)}/${row.action}`, "POST", {}).catch(complain);
  const row = make("div", { title: stream.name }, make("dt"), make("dd"), make("dd", { class: "do" }, make("button", { type: "button", onclick: steer })));
  return row;
}

export function showFunctions(state) {
  const items = state.functions.map((one) => ({ ...one, instances: state.instances.filter((instance) => instance.function === one.name) }));
  keyed($("function-list"), items, (one) => one.name, functionItem);
}

function functionItem(one) {
  const troubles = [[one.errors, "error"], [one.timeouts, "timeout"], [one.throttles, "throttled"]].filter(([count]) => count);
  const words = troubles.map(([count, name]) => counted(count, name)).join(", ");
  const title = make("p", { class: "title" }, make("span", {}, one.name), make("small", {}, counted(one.invocations, "call"), words ? make("span", { class: "error" }, ` · ${words}`) : ""));
  const boxes = one.instances.map((instance) => make("li", { "data-state": instance.state }, make("i", { "aria-hidden": "true" }), t(`instance-${instance.state}`), make("small", {}, `${instance.pid ?? ""} · ${instance.invocations}×`)));
  return make("li", { "data-function": one.name }, title, boxes.length ? make("ul", { class: "boxes" }, ...boxes) : make("p", { class: "idle" }, t("noInstance", { n: one.limit })));
}
