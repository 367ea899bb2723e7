/*
 * What stands in the clear in a file of sops, as far as can be told without its key.
 */
import type { Path } from "../values/value.ts";
import { type Position, scalarsIn } from "../values/yaml.ts";
import { isCiphertext } from "./cipher.ts";
import type { SopsFile } from "./sops-file.ts";

/** A value that is no ciphertext. */
export interface ClearValue {
  readonly path: Path;
  readonly position: Position;
}

/** What the values of a file are. */
export interface SopsValues {
  readonly hasCiphertext: boolean;
  /** Those that its rule says are encrypted. */
  readonly missed: readonly ClearValue[];
  /** Those that its rule leaves in the clear, or may: comments of a file are not read. */
  readonly left: readonly ClearValue[];
}

/** Sorts the values of a file. Nothing, and empty text, is never encrypted. */
export function clearValuesOf({ yaml, metadata: { rule } }: SopsFile): SopsValues {
  const [missed, left]: [ClearValue[], ClearValue[]] = [[], []];
  let hasCiphertext = false;
  for (const document of yaml.documents) {
    for (const { path, node } of scalarsIn(document)) {
      const { value, position } = node;
      if (value === null || value === "") continue;
      const keys = path.filter((step) => typeof step === "string");
      if (typeof value === "string" && isCiphertext(value)) hasCiphertext = true;
      else if (rule !== "comments" && rule.isEncrypted(keys)) missed.push({ path, position });
      else left.push({ path, position });
    }
  }
  return { hasCiphertext, missed, left };
}
