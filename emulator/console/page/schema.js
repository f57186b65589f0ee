// Checks a request against events/request.schema.json, as far as that is about single fields.

import { ask } from "./server.js";
import { t } from "./strings.js";

let loaded = null;

export async function check(request) {
  loaded ??= await ask("request.schema.json").catch(() => null);
  const schema = loaded?.$defs.ModuleRequest;
  if (!schema) return []; // The function checks anyway.
  const missing = schema.required.filter((name) => request[name] === undefined).map((name) => [name, t("required")]);
  const wrong = Object.entries(request).map(([name, value]) => [name, problem(name, value, schema.properties[name])]);
  return [...missing, ...wrong].filter(([, text]) => text).map(([Field, Problem]) => ({ Field, Problem }));
}

function problem(name, value, schema) {
  const rule = schema.anyOf?.find((one) => one.type === "string") ?? schema;
  const length = [...value].length;
  if (rule.minLength !== undefined && length < rule.minLength) return t("tooShort", { n: rule.minLength });
  if (rule.maxLength !== undefined && length > rule.maxLength) return t("tooLong", { n: rule.maxLength, length });
  if (rule.enum && !rule.enum.includes(value)) return t("oneOf", { values: rule.enum.join(", ") });
  if (rule.pattern && !new RegExp(rule.pattern, "u").test(value)) return t(`pattern${name}`);
  if (rule.not && new RegExp(rule.not.pattern, "u").test(value)) return t("reserved", { value });
  return "";
}
