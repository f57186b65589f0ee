// Dead letters.

import { address } from "./address.js";
import { $, keyed, make, put } from "./elements.js";
import { confirmed } from "./question.js";
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
    const act = (verb, words, onclick) => make("button", { type: "button", "aria-label": `${words} ${title}`, onclick }, t(verb));
    const tell = id ? act("story", t("storyOf"), () => address.open(`requests/${encodeURIComponent(id)}`)) : "";
    const chosen = { messages: [letter.message] };
    const acts = make("div", { class: "acts" }, tell, act("replay", t("replay"), (event) => replay(chosen, event.target)), act("discard", t("discard"), (event) => discard(chosen, title, event.target)));
    return make("li", { "data-message": letter.message }, make("p", { class: "what" }, title), make("p", { class: "why" }, make("b", {}, letter.reason), ` ${timeOf(letter.at)} ${letter.detail}`), acts);
  }

  function replay(chosen, button) {
    return order(button, async () => {
      const { replayed, refused } = await ask("dead-letters/replay", "POST", chosen);
      const reasons = Object.values(refused);
      const stay = reasons.length ? `; ${t("notReplayed", { n: reasons.length })}: ${reasons[0]}` : "";
      return replayed.length || stay ? `${t("sentAgain", { letters: counted(replayed.length, "letter") })}${stay}` : t("gone");
    });
  }

  async function discard(chosen, title, button) {
    if (!(await confirmed(t("discardQuestion", { title }), t("discard")))) return;
    await order(button, async () => {
      const { discarded } = await ask("dead-letters/discard", "POST", chosen);
      return discarded.length ? t("discarded", { letters: counted(discarded.length, "letter") }) : t("gone");
    });
  }

  // The list is read again afterwards, and the focus stays by it.
  async function order(button, work) {
    button.disabled = true;
    put($("dead-result"), await work().catch((error) => error.message));
    button.disabled = false;
    stale = true;
    $("dead").querySelector(".scroll").focus();
  }

  $("replay-all").addEventListener("click", (event) => replay({}, event.target));
  return { changed };
})();
