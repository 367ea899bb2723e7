import { parseRecipient } from "@git-vault/sealing";
import { DirectoryError } from "./errors.ts";
import { isGitHubLogin } from "./forges.ts";
import type { AgeKeyEntry } from "./recipient-key.ts";

/**
 * Reads one of age's recipients.
 *
 * @throws DirectoryError `UNSUPPORTED_RECIPIENT` for a plugin's, `INVALID_RECIPIENT` for a
 * malformed one
 */
export async function readAgeKey(text: string, line: number): Promise<AgeKeyEntry> {
  // What stands between two ones names a plugin, but for the hybrid keys of age itself.
  const plugin = /^age1(?!pq1)([a-z0-9]+)1/i.exec(text)?.[1];
  if (plugin !== undefined) {
    throw new DirectoryError(
      "UNSUPPORTED_RECIPIENT",
      `nothing can be sealed here to a key of the age plugin ${plugin}`,
      { hint: "give an SSH key or an age1… key of theirs, or seal with age -r" },
    );
  }
  try {
    const key = await parseRecipient(text);
    const type = key.kind === "hybrid" ? "age-hybrid" : "age-x25519";
    return { line, type, fingerprint: key.toString(), comment: "", key, unusable: null };
  } catch (cause) {
    throw new DirectoryError("INVALID_RECIPIENT", "expected an age recipient, got a malformed one", {
      hint: `copy it whole: age1 and 58 more characters, or age1pq1 and many more${isGitHubLogin(text) ? `; for the GitHub user write github:${text}` : ""}`,
      cause,
    });
  }
}
