/*
 * What a chart made of secrets, by what two renderings differ in that differ in secrets alone. The
 * cluster repeats it: in events, logs and refusals, of which nobody can make a second one.
 */
import type { Manifest } from "../helm/manifests.ts";
import { isMap, type Value } from "../values/value.ts";
import { ManifestMask } from "./mask-manifests.ts";
import type { Redactor } from "./redactor.ts";
import { differingParts, type Twin, twinAt, Twins } from "./twins.ts";

/**
 * Makes known to a redactor what Secrets hold, and what depends on a secret in other objects.
 *
 * @param others the same rendering with stand-ins for secrets; null where there is none
 * @param shown all that stands in it, as text: that depends on no secret, wherever it came from
 */
export function redactDifferences(
  redactor: Redactor,
  own: readonly Manifest[],
  others: readonly Manifest[] | null,
  shown: string = (others ?? []).map(({ text }) => text).join("\n"),
): void {
  const mask = new ManifestMask(redactor);
  if (others === null) {
    for (const { object } of own) mask.add(object, "none");
    return;
  }
  const same = new Set(others.map(({ text }) => text.trim()));
  const differing = own.filter(({ text }) => !same.has(text.trim()));
  if (differing.length === 0) return;
  const twins = new Twins(others, own);
  for (const manifest of differing) {
    const twin = twins.of(manifest);
    mask.add(manifest.object, twin);
    for (const piece of piecesOf(manifest.object, twin))
      if (!shown.includes(piece)) redactor.add(piece, "what depends on a secret");
  }
}

function* piecesOf(value: Value, twin: Twin): Generator<string> {
  if (Array.isArray(value)) for (const [at, item] of value.entries()) yield* piecesOf(item, twinAt(twin, at));
  else if (isMap(value))
    for (const [key, inner] of Object.entries(value)) {
      const below = twinAt(twin, key);
      if (below === "none") yield key;
      yield* piecesOf(inner, below);
    }
  else if (typeof value === "string" || typeof value === "number") yield* differingParts(String(value), twin);
}
