// The page of the local cloud. It is told everything by server-sent events.

import { address } from "./address.js";
import { calls } from "./calls.js";
import { dead } from "./dead.js";
import { $, keyed, make, put } from "./elements.js";
import { faults } from "./faults.js";
import { showHealth } from "./health.js";
import { outcomes } from "./outcomes.js";
import { modules } from "./products.js";
import { showFunctions, showQueues } from "./queues.js";
import { showRuns } from "./runs.js";
import { sender } from "./sender.js";
import { story } from "./story.js";
import { t, timeOf, translate } from "./strings.js";

translate();

let boot = null;

function hello(about) {
  if (boot !== about.boot) {
    boot = about.boot;
    calls.reset();
    outcomes.reset();
  }
  linked("live", t("live", { time: timeOf(about.began) }));
  const servers = Object.entries(about.urls).filter(([name]) => name !== "console");
  keyed($("servers"), servers, ([name]) => name, ([name, url]) => make("div", {}, make("dt", {}, { iot: "IoT", smq: "SMQ", fc: "FC" }[name] ?? name), make("dd", {}, url.replace("http://", ""))));
}

function linked(state, words) {
  $("link").dataset.state = state;
  put($("link").lastElementChild, words);
}

function showState(state) {
  showHealth(state);
  showRuns(state.runs);
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
  events.addEventListener("error", () => linked("lost", t("lost")));
}

// Keys of the whole page, except where something is typed or a dialog is open.
const KEYS = {
  "/": () => $("outcome-search").focus(),
  "?": () => $("keys").showModal(),
  j: () => outcomes.move(1),
  k: () => outcomes.move(-1),
};
addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, dialog");
  if (!(event.key in KEYS) || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  KEYS[event.key]();
});
$("keys-close").addEventListener("click", () => $("keys").close());

address.follow((shown) => { if (!shown.story) outcomes.restore(shown.filters); });
address.start();
listen();
