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
