import type { Check } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { EntryYaml, ScalarYaml, Yaml } from "../values/yaml.ts";
import { resolvePlain } from "../values/yaml-scalar.ts";
import { orElse } from "../errors.ts";
import { isAmount, isQuantity } from "../values/quantity.ts";
import { found, openLayers, placeIn } from "./reading.ts";

/** Reports what misleads: duplicate keys, further documents, words read as another type. */
export const strictYaml: Check = async function* strictYamlCheck(context) {
  for (const [layer, release] of openLayers(context)) {
    const yaml = orElse(null, () => layer.yaml());
    for (const { message, position } of yaml?.oddities ?? [])
      yield found("strict-yaml", "error", message, placeIn(layer, position, release));
    for (const document of yaml?.documents ?? [])
      for (const { message, severity, at, hint } of surprises(document, new Set()))
        yield found("strict-yaml", severity, message, { ...placeIn(layer, at, release), hint });
  }
};

interface Surprise extends Pick<Finding, "severity" | "message" | "hint"> {
  readonly at: ScalarYaml["position"];
}

const QUOTE = "put it in quotes if it is a text; else write it as it is read";

/** @param key under which it stands; empty where it stands under none */
function* surprises(node: Yaml, seen: Set<Yaml>, key = ""): Generator<Surprise> {
  // What aliases name is looked at once.
  if (seen.has(node)) return;
  seen.add(node);
  if (node.kind === "list") for (const item of node.items) yield* surprises(item, seen, key);
  else if (node.kind === "map") {
    for (const entry of node.entries.values()) {
      yield* surprisingKey(entry);
      yield* surprises(entry.value, seen, entry.text);
    }
  } else {
    const surprise = isMeant(key, node) ? null : surprisingScalar(node);
    if (surprise !== null) yield { hint: QUOTE, ...surprise, at: node.position };
  }
}

function* surprisingKey({ key, text, plain, position }: EntryYaml): Generator<Surprise> {
  if (!plain || key === text) return;
  yield {
    severity: "error",
    message: "Helm reads this key as another word or number",
    hint: "put it in quotes",
    at: position,
  };
}

/**
 * A mode of files is octal, an amount or a part of 1 has any digits, and `40e9` a number, unless it
 * is a version or a digest.
 */
const isMeant = (key: string, { text }: ScalarYaml): boolean =>
  (/(?:mode|umask|permissions?|chmod)$/i.test(key) && /^(?:0|0o)?[0-7]{3,4}$/i.test(text)) ||
  (isQuantity(text) && isAmount(key)) ||
  (/^[-+]?0\.\d+$/.test(text) && !isVersion(key)) ||
  (/^\d{1,3}[eE]\d{1,2}$/.test(text) && !isVersion(key) && !/(?:sha|hash|digest|id)$/i.test(key));

const isVersion = (key: string): boolean => /(?:tag|version|commit|release|rev(?:ision)?)s?$/i.test(key);

/** In base 10, or as Helm reads it in base 2, 8 or 16. */
const isInteger = (text: string): boolean => /^[-+]?\d[\d_]*$/.test(text) || typeof resolvePlain(text) === "bigint";

/** Never quotes the value, which may be secret. */
function surprisingScalar({ value, text, plain }: ScalarYaml): Pick<Surprise, "severity" | "message"> | null {
  if (!plain) return null;
  if (typeof value === "boolean" && !/^(?:true|false)$/i.test(text))
    return { severity: "warning", message: "this word without quotes is read as true or false" };
  if (typeof value === "string" && /^[-+]?\d[\d_]*(?::[0-5]?\d)+$/.test(text))
    return {
      severity: "warning",
      message: "this text looks like a number in base 60, which other programs read it as",
    };
  if (typeof value !== "number") return null;
  if (isInteger(text) && !Number.isSafeInteger(value))
    return { severity: "error", message: "this number has more digits than Helm keeps" };
  const [, message] = ODD_NUMBERS.find(([form]) => form.test(text)) ?? [];
  return message === undefined ? null : { severity: "warning", message };
}

const ODD_NUMBERS = [
  [/^[-+]?0[\d_]+$|^[-+]?0[oO]/, "this number begins with 0, and is read as octal"],
  [/_/, "this text with _ in it is read as a number"],
  [/^[-+]?\d+\.\d+0$/, "this number loses its last 0, which a version would need"],
  [/^\d+[eE]\d+$/, "this text with an e between digits is read as a number"],
] as const;
