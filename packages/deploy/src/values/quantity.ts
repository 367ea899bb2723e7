import type { Path } from "./value.ts";

/** As Kubernetes has quantities (resource.Quantity), which may be texts or numbers. */
const QUANTITY = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;
/** What amounts of resources are called, as such or by the key above. */
const AMOUNT =
  /^(?:requests|limits|guarantee|limit)$|(?:cpu|mem|memory|storage)$|(?:cpu|mem|memory|storage|disk)[-_]?(?:guarantee|limit|request)s?$|size(?:limit)?$|capacity$/i;

/** Whether a key is what an amount of something is called. */
export const isAmount = (key: string): boolean => AMOUNT.test(key);

/** Whether a text says an amount. */
export const isQuantity = (text: string): boolean => QUANTITY.test(text);

/** Whether two values at a path are amounts, which a number says as well as a text. */
export function areQuantities(path: Path, one: unknown, other: unknown): boolean {
  if (!path.slice(-2).some((step) => isAmount(String(step)))) return false;
  return [one, other].every((value) => typeof value === "number" || (typeof value === "string" && isQuantity(value)));
}
