// Dead letters.

import { address } from "./address.js";
import { $, keyed, make, put } from "./elements.js";
import { ask } from "./server.js";
import { counted, number, t, timeOf } from "./strings.js";

export const dead = (() => {
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
    put($("dead-count"), count ? `${number(count)}${count > letters.length ? t("oldestShown", { n: letters.length }) : ""}` : "");
    $("dead-empty").hidden = letters.length > 0;
    $("replay-all").hidden = letters.length < 2;
    keyed($("letters"), letters, (letter) => letter.message, item);
  }

  function item(letter) {
    const names = letter.requests.map((one) => `${one.ProductKey ?? "–"}/${one.ModuleName ?? "–"}`);
    const id = letter.requests[0]?.Id;
    const title = names.length > 1 ? `${names[0]} ${t("andMore", { n: names.length - 1 })}` : (names[0] ?? t("notReadable"));
    const acts = make("div", { class: "acts" }, id ? make("button", { type: "button", "aria-label": `${t("storyOf")} ${title}`, onclick: () => address.open(`requests/${encodeURIComponent(id)}`) }, t("story")) : "", make("button", { type: "button", "aria-label": `${t("replay")} ${title}`, onclick: (event) => replay({ messages: [letter.message] }, event.target) }, t("replay")));
    return make("li", { "data-message": letter.message }, make("p", { class: "what" }, title), make("p", { class: "why" }, make("b", {}, letter.reason), ` ${timeOf(letter.at)} ${letter.detail}`), acts);
  }

  async function replay(chosen, button) {
    button.disabled = true;
    try {
      const { replayed, refused } = await ask("dead-letters/replay", "POST", chosen);
      const reasons = Object.values(refused);
      const stay = reasons.length ? `; ${t("notReplayed", { n: reasons.length })}: ${reasons[0]}` : "";
      put($("dead-result"), replayed.length || stay ? `${t("sentAgain", { letters: counted(replayed.length, "letter") })}${stay}` : t("gone"));
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
