// Runs of `ota-modules send`: how far each is, and its outcomes alone.

import { $, keyed, make } from "./elements.js";
import { outcomes } from "./outcomes.js";
import { number, t, timeOf } from "./strings.js";

const SHOWN = 8;

export function showRuns(runs) {
  $("runs").hidden = runs.length === 0;
  keyed($("run-list"), runs.slice(0, SHOWN), (run) => run.run, item);
}

// The button stays the same while its figures change: a click is never lost.
function item(run, old) {
  const element = old ?? make("li", {}, make("button", { type: "button", "data-run": run.run, onclick: () => outcomes.chooseRun(run.run) }));
  const button = element.firstChild;
  const statuses = Object.entries(run.statuses).map(([status, count]) => make("span", { class: "status", "data-status": status }, `${number(count)} ${t(status)}`));
  const meter = make("progress", { max: run.sent, value: run.answered, "aria-hidden": "true" });
  button.title = t("runBegan", { time: timeOf(run.began) });
  button.setAttribute("aria-pressed", outcomes.isRun(run.run));
  button.replaceChildren(make("code", {}, run.run), meter, make("b", {}, t("answered", { n: number(run.answered), sent: number(run.sent) })), ...statuses);
  return element;
}
