// Faults: what goes wrong on purpose.

import { $, keyed, make } from "./elements.js";
import { ask } from "./server.js";
import { t } from "./strings.js";

const CREATE = { service: "iot", operation: "CreateOTAModule" };
const PRESETS = [
  ["faultSlow", { service: "iot", kind: "delay", seconds: 2 }],
  ["faultThrottles", { ...CREATE, kind: "throttle", probability: 0.3 }],
  ["fault503", { service: "iot", kind: "status", probability: 0.3 }],
  ["faultLost", { ...CREATE, kind: "drop", probability: 0.3, after: true }],
  ["faultNeighbour", { ...CREATE, kind: "neighbour", amount: 4 }],
  ["faultKilled", { ...CREATE, kind: "kill", probability: 0.05 }],
  ["faultTwice", { service: "stream", kind: "redeliver", probability: 0.5 }],
  ["faultTopic", { service: "smq", operation: "PublishMessage", kind: "status", probability: 0.3, status: 500 }],
];

export const faults = (() => {
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
    button.replaceChildren(make("span", {}, t(preset.name)), preset.on ? make("small", {}, `${preset.on.fired}×`) : "");
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
    const end = make("button", { type: "button", "aria-label": `${t("end")} ${words(rule)}`, onclick: () => tell(ask(`faults/${id}`, "DELETE")) }, t("end"));
    return make("li", {}, make("code", {}, `${words(rule)} · ${fired}×`), end);
  }

  return { changed };
})();
