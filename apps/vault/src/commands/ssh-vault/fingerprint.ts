import { printable } from "@git-vault/core";
import type { PublicKeyEntry } from "@git-vault/keys";
import { sshVaultFingerprint } from "@git-vault/sealing";
import type { Options, Run } from "../../cli/command.ts";
import { usageError } from "../../errors.ts";
import { say, writeStdout } from "../../io/streams.ts";
import { describeKey } from "../message/recipients.ts";
import { openSshVaultDirectory } from "../message/ssh-vault-config.ts";
import { ownPublicKeys, readPublicKeyFile, sshKeys } from "./public-key-files.ts";
import type { SSH_VAULT_COMMANDS } from "./specs.ts";

type Fingerprint = typeof SSH_VAULT_COMMANDS.fingerprint;
type FingerprintOptions = Options<Fingerprint["flags"]>;

/** A key and what stands before it. */
interface Row {
  readonly label: string;
  readonly entry: PublicKeyEntry;
}

export const run: Run<Fingerprint> = async (options) => {
  const rows = await findRows(options);
  writeStdout(options.json ? `${JSON.stringify({ keys: rows.map(toJson) })}\n` : layOut(rows));
};

async function findRows(options: FingerprintOptions): Promise<Row[]> {
  const { key, user, quiet } = options;
  if (user !== undefined) return usersRows(options, user);
  const files = key === undefined ? await ownPublicKeys() : [await readPublicKeyFile(key)];
  const rows = files.flatMap((file) => readable(file.name, sshKeys(file)));
  if (rows.length === 0 && !quiet) say("vault: ~/.ssh holds no public key");
  return rows;
}

const readable = (label: string, keys: readonly PublicKeyEntry[]): Row[] =>
  keys.filter(({ fingerprint }) => fingerprint !== null).map((entry) => ({ label, entry }));

/** A user's usable keys under the numbers that `create -k` takes. */
async function usersRows(options: FingerprintOptions, user: string): Promise<Row[]> {
  const { key, quiet } = options;
  if (user === "new") throw usageError("-u new has no fingerprint: each time it is another key");
  if (key !== undefined && !/^[1-9]\d{0,5}$/.test(key)) throw usageError("-k with -u: expected the number of a key");
  const { directory } = await openSshVaultDirectory(options);
  const keys = (await directory.resolve(user)).flatMap(sshKeys);
  const usable = keys.filter(({ unusable }) => unusable === null);
  if (!quiet) {
    for (const entry of keys.filter(({ unusable }) => unusable !== null))
      say(`vault: not usable: ${describeKey(entry)}  ${entry.unusable}`);
  }
  if (key !== undefined && Number(key) > usable.length) {
    throw usageError(`-k: expected the number of a key, of which there are ${usable.length}, got ${key}`);
  }
  return usable
    .map((entry, at) => ({ label: `ID: ${at + 1}`, entry }))
    .filter((_, at) => key === undefined || at === Number(key) - 1);
}

/** As ssh-vault lays it out, so that scripts read it. */
function layOut(rows: readonly Row[]): string {
  const width = Math.max(0, ...rows.map(({ label }) => printable(label).length));
  const line = (left: string, right: string): string => `${left.padStart(width)} ${right}\n`;
  return rows
    .map(({ label, entry }) => {
      const { type, comment, fingerprint } = entry;
      const own = ownFingerprint(entry);
      return [
        line(printable(label), `Type: ${printable(type)} Comment: ${printable(comment)}`),
        line("", fingerprint ?? ""),
        own === null ? "" : line("", `MD5 ${own} (ssh-vault's own, not ssh-keygen's)`),
        "\n",
      ].join("");
    })
    .join("");
}

/** The fingerprint by which ssh-vault names an RSA key. */
const ownFingerprint = ({ key }: PublicKeyEntry): string | null =>
  key?.type === "ssh-rsa" ? sshVaultFingerprint(key) : null;

const toJson = ({ label, entry }: Row): object => ({
  name: label,
  type: entry.type,
  comment: entry.comment,
  fingerprint: entry.fingerprint,
  sshVaultFingerprint: ownFingerprint(entry),
});
