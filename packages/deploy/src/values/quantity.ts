import type { Path } from "./value.ts";

/** As Kubernetes has quantities (resource.Quantity), which may be texts or numbers. */
const QUANTITY = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;
/** What amounts of resources are called, as such or by the key above. */
const AMOUNT = /^(?:cpu|memory|storage|ephemeral-storage|requests|limits|guarantee|limit|size|sizeLimit)$/;

/** Whether two values at a path are amounts, which a number says as well as a text. */
export function areQuantities(path: Path, one: unknown, other: unknown): boolean {
  const isAmount = path.slice(-2).some((step) => AMOUNT.test(String(step)));
  return isAmount && [one, other].every((value) => typeof value === "number" || QUANTITY.test(textOf(value)));
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
