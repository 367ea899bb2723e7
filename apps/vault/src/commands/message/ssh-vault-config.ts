import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Directory } from "@git-vault/directory";
import { CliError, usageError } from "../../errors.ts";
import { homeFolder } from "../../io/input.ts";
import { reason } from "../../io/streams.ts";

/** What ssh-vault's configuration says. */
interface SshVaultConfig {
  /** The address that hands out a fresh public key. */
  readonly helper: string;
  /** Headers for requests to the helper and the user's addresses; undefined for none. */
  readonly headers: Readonly<Record<string, string>> | undefined;
}

const HELPER = "https://ssh-keys.online/new";
const FILE = "~/.config/ssh-vault/config.yml";

const wrong = (message: string, cause?: unknown): CliError =>
  usageError(`${FILE}: ${message}`, "correct the file, or move it away", cause);

/**
 * Reads `~/.config/ssh-vault/config.yml` (`sshkeys_online`, `http_headers`) and
 * `SSH_VAULT_SSHKEYS_ONLINE`, which goes before the file.
 *
 * @throws CliError `USAGE` for a file that is not as it should be, `INPUT_UNREADABLE`
 */
async function readSshVaultConfig(): Promise<SshVaultConfig> {
  const settings = await readSettings();
  const variable = process.env["SSH_VAULT_SSHKEYS_ONLINE"];
  const helper = variable || (settings.get("sshkeys_online") ?? HELPER);
  if (typeof helper !== "string") throw wrong("expected sshkeys_online to be an address");
  return { helper, headers: readHeaders(settings.get("http_headers")) };
}

async function readSettings(): Promise<Map<string, unknown>> {
  const path = join(homeFolder(), ".config", "ssh-vault", "config.yml");
  if (!existsSync(path)) return new Map();
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new CliError("INPUT_UNREADABLE", `cannot read ${FILE}: ${reason(cause)}`, { cause });
  }
  const { parse } = await import("yaml");
  try {
    return fieldsOf(parse(text)) ?? new Map();
  } catch (cause) {
    // The parser's own words quote the file.
    throw wrong("expected YAML, got something else", cause);
  }
}

const fieldsOf = (value: unknown): Map<string, unknown> | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : null;

function readHeaders(value: unknown): SshVaultConfig["headers"] {
  if (value === undefined || value === null) return undefined;
  const fields = fieldsOf(value);
  if (fields === null) throw wrong("expected http_headers to be names with values");
  const headers = [...fields].map(([name, text]) => {
    const shown = ["string", "number", "boolean"].includes(typeof text) ? String(text) : null;
    // What may stand in a header (RFC 9110 sections 5.1 and 5.5); fetch's error for anything else
    // would repeat it.
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || shown === null || !/^[\x20-\x7e\t]*$/.test(shown)) {
      throw wrong("expected each of http_headers to be a header's name with a line of text");
    }
    return [name.toLowerCase(), shown] as const;
  });
  return headers.length === 0 ? undefined : Object.fromEntries(headers);
}

/** The directory as ssh-vault's configuration and the flags want it, and the helper's address. */
export async function openSshVaultDirectory({
  insecureHttp = false,
  user,
}: {
  readonly insecureHttp?: boolean;
  readonly user?: string | undefined;
}): Promise<{ directory: Directory; helper: string }> {
  const { helper, headers } = await readSshVaultConfig();
  const options = {
    allowHttp: insecureHttp,
    ...(headers === undefined ? {} : { headers }),
    // The helper's key is another one each time.
    ...(user === "new" ? { cacheFolder: null } : {}),
  };
  return { directory: new Directory(options), helper };
}
