// Modules by product.

import { $, keyed, make, put } from "./elements.js";
import { ask } from "./server.js";
import { counted, number, t } from "./strings.js";

const PRODUCTS_SHOWN = 200;

export const modules = (() => {
  let products = [];
  let stamp = null;
  let loading = false;

  async function changed(found) {
    if (found === stamp || loading) return;
    loading = true;
    try {
      products = await ask("modules");
      stamp = found;
      suggest();
      render();
    } catch {
      stamp = null; // The next state asks again.
    } finally {
      loading = false;
    }
  }

  function suggest() {
    keyed($("product-keys"), products.slice(0, 500), (one) => one.key, (one) => make("option", { value: one.key }, one.name));
  }

  const search = () => $("module-search").value.trim().toLowerCase();
  const text = (module) => `${module.name} ${module.alias ?? ""}`.toLowerCase();

  function passes(product) {
    const kind = $("module-filter").value;
    const count = product.modules.length;
    if ((kind === "some" && !count) || (kind === "none" && count) || (kind === "full" && count < product.most)) return false;
    const words = search();
    return `${product.key} ${product.name} ${product.instance ?? ""}`.toLowerCase().includes(words) || product.modules.some((module) => text(module).includes(words));
  }

  function render() {
    const found = products.filter(passes);
    const count = found.reduce((sum, product) => sum + product.modules.length, 0);
    const more = found.length > PRODUCTS_SHOWN ? t("firstShown", { n: PRODUCTS_SHOWN }) : "";
    put($("module-count"), `${t("inProducts", { n: number(count), products: counted(found.length, "product") })}${more}`);
    $("module-empty").hidden = found.length > 0 || !products.length;
    const words = search();
    keyed($("products"), found.slice(0, PRODUCTS_SHOWN).map((product) => ({ product, words })), (one) => one.product.key, item);
    rove();
  }

  // One stop of the Tab key for all products: arrows go on from there.
  const lines = () => [...$("products").querySelectorAll("summary")];

  function rove(chosen = lines().find((line) => line === document.activeElement || line.tabIndex === 0) ?? lines()[0]) {
    for (const line of lines()) line.tabIndex = line === chosen ? 0 : -1;
  }

  function key(event) {
    const all = lines();
    const place = all.indexOf(event.target);
    const details = event.target.parentElement;
    const moves = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: all.length - 1 };
    if (place < 0) return;
    if (event.key in moves) {
      const next = all[Math.max(0, Math.min(all.length - 1, moves[event.key]))];
      rove(next);
      next.focus();
    } else if (event.key === "ArrowRight") details.open = true;
    else if (event.key === "ArrowLeft") details.open = false;
    else return;
    event.preventDefault();
  }

  function item({ product, words }, old) {
    const open = old?.querySelector("details")?.open || (words !== "" && product.modules.some((module) => text(module).includes(words)));
    const line = headline(product);
    if (!product.modules.length) return make("li", { "data-product": product.key }, make("div", { class: "plain" }, ...line));
    const chips = product.modules.map((module) => chip(module, words));
    const details = make("details", open ? { open: "" } : {}, make("summary", { tabindex: "-1" }, ...line), make("ul", { class: "chips" }, ...chips));
    return make("li", { "data-product": product.key }, details);
  }

  function headline(product) {
    const count = product.modules.length;
    const slots = make("span", { class: "slots", "aria-hidden": "true" }, ...Array.from({ length: product.most }, (_, place) => make("i", { class: place < count ? "on" : null })));
    const place = product.instance ? ` · ${product.instance}` : "";
    return [make("span", { class: "title" }, `${product.name}${place}`), make("span", { class: "key" }, product.key), slots, make("span", { class: count >= product.most ? "count full" : "count" }, `${count}/${product.most}`)];
  }

  function chip(module, words) {
    const hit = words !== "" && text(module).includes(words);
    return make("li", { class: hit ? "hit" : null, title: module.desc }, module.name, module.alias ? make("small", {}, ` ${module.alias}`) : "");
  }

  $("products").addEventListener("keydown", key);
  $("products").addEventListener("focusin", (event) => { if (event.target.matches("summary")) rove(event.target); });
  $("module-filter").addEventListener("change", render);
  $("module-search").addEventListener("input", render);
  return { changed };
})();
