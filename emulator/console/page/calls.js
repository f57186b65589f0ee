// The moving line of each operation: calls in the last second, and which of them failed.

import { $, make, put, svg } from "./elements.js";
import { t } from "./strings.js";

const CHARTED = ["CreateOTAModule", "ListOTAModuleByProduct", "UpdateOTAModule"];
const MINUTE = 60;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export const calls = (() => {
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
    const parts = { area: svg("path", { class: "area" }), bad: svg("path", { class: "bad" }), line: svg("path", { class: "line" }), marks: svg("path", { class: "marks" }) };
    const limit = svg("path", { class: "limit" });
    moving.append(parts.area, parts.bad, parts.line, parts.marks);
    picture.append(svg("path", { class: "base", d: "M0 79.5H300" }), limit, moving);
    const item = make("li", { class: "chart", "data-operation": name }, make("p", { class: "name" }, make("b", {}, name), now), throttled, picture);
    $("charts").append(item);
    return { item, now, throttled, picture, moving, limit, ...parts };
  }

  function update(shown, name) {
    const limit = limits[name] ?? 10;
    const values = samples.map((sample) => sample.calls[name] ?? 0);
    const refused = samples.reduce((sum, sample) => sum + (sample.throttled[name] ?? 0), 0);
    const failed = samples.reduce((sum, sample) => sum + (sample.failed[name] ?? 0), 0);
    const peak = Math.max(0, ...values);
    const latest = values[values.length - 1] ?? 0;
    const height = (value) => 79 - (value / Math.max(limit * 1.15, peak * 1.05)) * 77;
    shown.now.replaceChildren(String(latest), make("small", {}, ` / ${limit}`));
    const troubles = [failed && t("failedInMinute", { n: failed }), refused && t("throttledInMinute", { n: refused })].filter(Boolean);
    put(shown.throttled, troubles.join(", ") || t("peak", { n: peak }));
    shown.throttled.classList.toggle("none", !troubles.length);
    shown.item.dataset.now = latest;
    shown.item.dataset.peak = peak;
    shown.item.dataset.throttled = refused;
    shown.item.dataset.failed = failed;
    shown.picture.setAttribute("aria-label", `${name}: ${t("chart", { latest, peak, limit })}${troubles.length ? `; ${troubles.join(", ")}` : ""}`);
    shown.limit.setAttribute("d", `M0 ${height(limit).toFixed(1)}H300`);
    trace(shown, name, values, height);
    shown.quiet = peak === 0;
  }

  function trace(shown, name, values, height) {
    const end = samples.length ? samples[samples.length - 1].t : 0;
    const x = (sample) => (300 * (1 + (sample.t - end) / MINUTE)).toFixed(1);
    const steps = samples.map((sample, place) => `${place ? `H${x(sample)}` : `M${x(sample)} ${height(values[0]).toFixed(1)}`}V${height(values[place]).toFixed(1)}`);
    const line = steps.join("");
    shown.bad.setAttribute("d", failures(name, x, height));
    shown.line.setAttribute("d", line);
    shown.area.setAttribute("d", line ? `${line}V79H${x(samples[0])}Z` : "");
    const marks = samples.filter((sample) => sample.throttled[name] || sample.failed[name]).map((sample) => `M${x(sample)} 1V9`);
    shown.marks.setAttribute("d", marks.join(""));
  }

  // How many of the calls of a second failed: the red part of the area.
  function failures(name, x, height) {
    const counts = samples.map((_, place) => samples.slice(Math.max(0, place - 4), place + 1).reduce((sum, sample) => sum + (sample.failed[name] ?? 0), 0));
    if (!counts.some(Boolean)) return "";
    const steps = samples.map((sample, place) => `${place ? `H${x(sample)}` : `M${x(sample)} 79`}V${height(counts[place]).toFixed(1)}`);
    return `${steps.join("")}V79H${x(samples[0])}Z`;
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
