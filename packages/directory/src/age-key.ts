import { parseRecipient } from "@git-vault/sealing";
import { isPluginKey, parsePluginKey } from "@git-vault/sealing/plugins";
import { DirectoryError } from "./errors.ts";
import { isGitHubLogin } from "./forges.ts";
import type { AgeKeyEntry, PluginKeyEntry } from "./recipient-key.ts";

/**
 * Reads an age recipient, or of a plugin's.
 *
 * @param isNamed whether the user wrote it; a plugin is not run for what stands in a file or a page
 * @throws DirectoryError `INVALID_RECIPIENT` for a malformed one
 */
export async function readAgeKey(text: string, line: number, isNamed: boolean): Promise<AgeKeyEntry | PluginKeyEntry> {
  if (isPluginKey(text)) return readPluginKey(text, line, isNamed);
  try {
    const key = await parseRecipient(text);
    return { line, type: `age-${key.kind}`, fingerprint: key.toString(), comment: "", key, unusable: null };
  } catch (cause) {
    throw new DirectoryError("INVALID_RECIPIENT", "expected an age recipient, got a malformed one", {
      hint: `copy it whole: age1 and 58 more characters, age1tag1 and 59, or age1pq1 or age1tagpq1 and many more${isGitHubLogin(text) ? `; for the GitHub user write github:${text}` : ""}`,
      cause,
    });
  }
}

function readPluginKey(text: string, line: number, isNamed: boolean): PluginKeyEntry {
  try {
    const key = parsePluginKey(text);
    return {
      line,
      type: `age-plugin-${key.plugin}`,
      fingerprint: key.kind === "recipient" ? key.text : null,
      comment: "",
      key,
      unusable: isNamed ? null : `the age plugin ${key.plugin} is run only for a recipient that you name yourself`,
    };
  } catch (cause) {
    throw new DirectoryError("INVALID_RECIPIENT", "expected the key of an age plugin, got a malformed one", {
      hint: "copy it whole: a recipient is age1NAME1…, an identity AGE-PLUGIN-NAME-1…",
      cause,
    });
  }
}
