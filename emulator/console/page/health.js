// The line at the top: does it work, and when will it be done?

import { $, make } from "./elements.js";
import { counted, duration, number, t, timeOf } from "./strings.js";

const TONES = { ok: "good", quiet: "", failing: "bad", down: "bad" };

export function showHealth(state) {
  const { health, streams } = state;
  const halted = streams.filter((stream) => stream.state !== "Running");
  const paused = halted.some((stream) => stream.state === "Paused");
  const failing = health.api.state === "failing" || health.api.state === "down";
  const bad = failing || health.dead > 0 || (halted.length > 0 && !paused);
  $("health").dataset.state = bad ? "bad" : paused ? "paused" : "good";
  const facts = [
    ["waiting", t("waiting", { n: number(health.waiting) }) + (health.delayed ? ` (${t("delayedOf", { n: number(health.delayed) })})` : "")],
    ["rate", t("rate", { n: health.rate.toFixed(1) })],
    ["left", left(health)],
    ["dead", counted(health.dead, "deadLetter"), health.dead ? "bad" : ""],
    ["api", api(health.api), TONES[health.api.state]],
    ["stream", streams.map((stream) => `${t("stream")} ${t(`stream${stream.state}`)}`).join(", "), paused ? "warn" : halted.length ? "bad" : "good"],
  ];
  const items = facts.filter(([, text]) => text).map(([name, text, tone]) => make("li", { "data-fact": name, class: tone }, text));
  $("health-facts").replaceChildren(...items);
  showError(health.error, failing);
}

function left(health) {
  if (!health.waiting) return "";
  return health.left === null ? t("noneLately") : t("left", { time: duration(health.left) });
}

function api(found) {
  const words = t(`api${found.state}`);
  const troubles = [found.failed && t("failedOf", { n: found.failed, calls: found.calls }), found.throttled && t("throttledOf", { n: found.throttled })].filter(Boolean);
  return troubles.length ? `${words}: ${troubles.join(", ")}` : words;
}

function showError(error, failing) {
  $("health-error").hidden = !error;
  if (!error) return;
  $("health-error").className = failing ? "bad" : "";
  $("health-error").replaceChildren(make("b", {}, t("lastError")), ` ${timeOf(error.at)} · ${error.source}: ${error.text}`);
}
