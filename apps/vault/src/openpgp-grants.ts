import { parseKeyFile, wipeKeyFile, type Repository } from "@git-vault/git-crypt";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const GPG = "gpg";
const MAX_KEY_FILE = 1024 * 1024;

/**
 * The keys that grants to the user's OpenPGP keys hold: `.git-crypt/keys/NAME/0/FINGERPRINT.gpg`, as git-crypt writes them. Empty
 * where there are none, where gpg is not installed, or where it opens none.
 *
 * @param ask whether gpg may ask for a passphrase
 */
export function keysOfGrants(repository: Repository, ask: boolean): Buffer[] {
  if (repository.topLevel === null) return [];
  const folder = join(repository.topLevel, stateFolder(repository), "keys");
  const names = namesIn(folder);
  if (names.length === 0) return [];
  const fingerprints = secretFingerprints();
  return names.flatMap((name) => {
    const grants = join(folder, name, "0");
    const mine = namesIn(grants).filter((file) => fingerprints.has(file.replace(/\.gpg$/, "")));
    for (const file of mine) {
      const key = decrypt(join(grants, file), ask);
      if (key !== null) return [key];
    }
    return [];
  });
}

/**
 * The grants of a key name, each made anew for the same OpenPGP key, with the new git-crypt key in it; those for whom gpg has no
 * usable public key are left out.
 */
export function renewGrants(repository: Repository, keyName: string, key: Uint8Array): Map<string, Buffer> {
  const renewed = new Map<string, Buffer>();
  if (repository.topLevel === null) return renewed;
  const folder = `${stateFolder(repository)}/keys/${keyName}/0`;
  for (const file of namesIn(join(repository.topLevel, folder))) {
    const fingerprint = /^([0-9A-F]{40,64})\.gpg$/.exec(file)?.[1];
    const grant = fingerprint === undefined ? null : encryptFor(fingerprint, key);
    if (grant !== null) renewed.set(`${folder}/${file}`, grant);
  }
  return renewed;
}

/** git-crypt, too, trusts a key whose fingerprint was granted to before. */
function encryptFor(fingerprint: string, key: Uint8Array): Buffer | null {
  const { error, status, stdout } = spawnSync(
    GPG,
    ["--batch", "--quiet", "--trust-model", "always", "--encrypt", "--recipient", `0x${fingerprint}`],
    { input: key, stdio: ["pipe", "pipe", "ignore"], maxBuffer: MAX_KEY_FILE },
  );
  return error === undefined && status === 0 && stdout.length > 0 ? stdout : null;
}

function stateFolder({ topLevel, env }: Repository): string {
  const { stdout } = spawnSync("git", ["config", "git-crypt.repoStateDir"], { cwd: topLevel ?? undefined, env });
  return stdout.toString().trim() || ".git-crypt";
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

/** As git-crypt does: gpg would else ask for each grant in turn. */
function secretFingerprints(): Set<string> {
  const { error, stdout } = spawnSync(GPG, ["--batch", "--with-colons", "--fingerprint", "--list-secret-keys"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = error === undefined ? stdout.toString().split("\n") : [];
  return new Set(lines.filter((line) => line.startsWith("fpr:")).map((line) => line.split(":")[9] ?? ""));
}

/** What gpg says goes to the terminal; what it prints is the key, or nothing that is one. */
function decrypt(path: string, ask: boolean): Buffer | null {
  const { error, status, stdout } = spawnSync(
    GPG,
    ["--quiet", ...(ask ? [] : ["--batch", "--pinentry-mode", "error"]), "--decrypt", path],
    { stdio: ["ignore", "pipe", "inherit"], maxBuffer: MAX_KEY_FILE },
  );
  if (error !== undefined || status !== 0) return null;
  try {
    wipeKeyFile(parseKeyFile(stdout));
    return stdout;
  } catch {
    return null;
  }
}
