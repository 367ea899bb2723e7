import { decodeBech32 } from "../age/bech32.ts";
import { SealingError } from "../errors.ts";

/*
 * How keys of age plugins are written (C2SP age-plugin.md, "Mapping recipients and identities to
 * plugin binaries"): Bech32 whose prefix names the plugin.
 */

/** A key whose work a plugin does: a program that is called `age-plugin-` and its name. */
export interface PluginKey {
  /** The plugin's, in lower case: letters, digits, `+`, `-`, `.`, `_`. */
  readonly plugin: string;
  readonly kind: "recipient" | "identity";
  /** As it is written: `age1name1…` or `AGE-PLUGIN-NAME-1…`, which may hold a secret. */
  readonly text: string;
}

const IDENTITY = /^AGE-PLUGIN-([A-Z0-9+._-]+)-$/;
const RECIPIENT = /^age1([a-z0-9+._-]+)$/;

/** Whether a text is meant as a key of a plugin, whole or not: age itself has some prefixes. */
export const isPluginKey = (text: string): boolean =>
  /^AGE-PLUGIN-/i.test(text) || /^age1(?!(?:pq|tag|tagpq)1)[a-z0-9+._-]+1[02-9ac-hj-np-z]*$/i.test(text);

/**
 * Reads a key of a plugin. The plugin is not run, and need not be there.
 *
 * Throws SealingError `MALFORMED_KEY`, which shows nothing of an identity.
 */
export function parsePluginKey(text: string): PluginKey {
  const kind = /^age1/i.test(text) ? "recipient" : "identity";
  const prefix = decodeBech32(text)?.prefix ?? "";
  const plugin = (kind === "recipient" ? RECIPIENT : IDENTITY).exec(
    kind === "recipient" ? prefix : prefix.toUpperCase(),
  );
  const isInCase = text === (kind === "recipient" ? text.toLowerCase() : text.toUpperCase());
  if (plugin?.[1] !== undefined && isInCase) return { plugin: plugin[1].toLowerCase(), kind, text };
  throw new SealingError(
    "MALFORMED_KEY",
    `expected the ${kind} of an age plugin, got one that is cut short or mistyped`,
    {
      hint: "copy it whole: a recipient is age1NAME1…, an identity AGE-PLUGIN-NAME-1…",
    },
  );
}
