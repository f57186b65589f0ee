// A question before what cannot be taken back.

import { $, put } from "./elements.js";

export function confirmed(text, verb) {
  const dialog = $("question");
  put($("question-text"), text);
  put($("question-yes"), verb);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

$("question-yes").addEventListener("click", () => $("question").close("yes"));
$("question-no").addEventListener("click", () => $("question").close("no"));
