import { existsSync } from "node:fs";
import { SharingError } from "../errors.ts";
import type { ReceiveOptions } from "./local-identities.ts";

/** The variable that CI systems hold a private key in. */
const IDENTITY_VARIABLE = "GIT_VAULT_IDENTITY";

/**
 * The private key of `$GIT_VAULT_IDENTITY`: the text of an age identity file, or the path of a
 * private key. Empty where it is not set: then the keys of this machine are meant.
 *
 * @throws SharingError `NOT_AN_IDENTITY`, which never shows the value
 */
export function identityOfEnvironment(env: NodeJS.ProcessEnv): Pick<ReceiveOptions, "key" | "keyFiles"> {
  const value = env[IDENTITY_VARIABLE]?.trim() ?? "";
  if (value === "") return {};
  // Some systems keep a variable on one line.
  const keys = value.match(/(?<=^|\s)AGE-(?:SECRET-KEY|PLUGIN)-\S+/g);
  if (keys !== null) return { key: { name: `$${IDENTITY_VARIABLE}`, bytes: Buffer.from(`${keys.join("\n")}\n`) } };
  // What is no path may be a key that was damaged on the way.
  if (existsSync(value)) return { keyFiles: [value] };
  throw new SharingError(
    "NOT_AN_IDENTITY",
    `$${IDENTITY_VARIABLE} is neither the text AGE-SECRET-KEY-… nor the path of a private key`,
    { hint: "set it to the text of an age identity file" },
  );
}
