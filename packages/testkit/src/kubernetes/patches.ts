import { applyPatch, type Operation } from "rfc6902";
import { badRequest, Refusal } from "./failures.ts";
import { isObject, type Json } from "./json.ts";

/** A JSON merge patch (RFC 7396). */
export function mergePatch(current: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged = isObject(current) ? { ...current } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (value !== undefined) merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

const isOperation = (value: Json): value is Json & Operation =>
  isObject(value) && typeof value["op"] === "string" && typeof value["path"] === "string";

/** A JSON patch (RFC 6902). An operation that fails is refused with 422, as the API does. */
export function jsonPatch(current: Json, patch: Json): Json {
  if (!Array.isArray(patch) || !patch.every(isOperation)) throw badRequest("a JSON patch must be a list of operations");
  const patched = structuredClone(current);
  const failure = applyPatch(patched, patch).find((error) => error !== null);
  if (failure) throw new Refusal(422, "Invalid", `the server rejected our request due to an error in our request`);
  return patched;
}
