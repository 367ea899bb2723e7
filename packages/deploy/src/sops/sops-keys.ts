/*
 * Where the private keys for files of sops are: what the caller names, else where sops looks, too.
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isVaultError, printable } from "@git-vault/core";
import type { PassphraseRequest, ReceiveOptions } from "@git-vault/sharing";
import { DeployError } from "../errors.ts";

/** With what files of sops are opened. */
export interface SopsKeySource {
  /** Private keys; where left out, those that sops and this machine have. */
  readonly identities?: readonly string[] | undefined;
  /** A private key that is no file here, such as a plugin's: tried with `identities` alone. */
  readonly key?: ReceiveOptions["key"];
  /** Gives the passphrase of a private key. Without it, one that is encrypted opens nothing. */
  readonly passphrase?: ReceiveOptions["passphrase"] | undefined;
  /** How age's plugins speak to the user; where it is left out, none is run. */
  readonly plugins?: ReceiveOptions["plugins"];
  /** How gpg is run for a file that is encrypted to OpenPGP keys. */
  readonly gpg?: ReceiveOptions["gpg"];
  /**
   * Cloud keys that the `sops` on PATH may be run for, as `KIND:NAME` with `*` for any part of it,
   * such as `gcp_kms:projects/mine/*`: a file names the server that is asked, and anyone who can
   * commit writes it. None where left out.
   */
  readonly cloudKeys?: readonly string[] | undefined;
}

/** Tries private keys, kind by kind, those that ask nobody first. */
export class SopsKeys {
  /** Whether the caller named them, so that no other counts. */
  readonly areNamed: boolean;
  /** What they are called. */
  readonly title: string;
  readonly #ways: readonly (() => Partial<ReceiveOptions>)[];
  readonly #common: Pick<ReceiveOptions, "home" | "env" | "passphrase" | "plugins" | "gpg">;
  readonly #text: Buffer;
  /** Asked for once. */
  #ofGpg: Promise<ReadonlySet<string>> | undefined;
  readonly #passphrases = new Map<string, Buffer>();

  constructor(source: SopsKeySource, env: NodeJS.ProcessEnv) {
    const home = env["HOME"] ?? homedir();
    const { plugins, gpg } = source;
    this.#common = {
      home,
      env,
      passphrase: remembering(source.passphrase, this.#passphrases),
      plugins,
      gpg: { env, ...gpg },
    };
    const { identities, key } = source;
    const isNamed = identities !== undefined || key !== undefined;
    const named = [...(key === undefined ? [] : [key.name]), ...(identities ?? [])].map((one) => printable(one));
    this.areNamed = named.length > 0;
    this.title = this.areNamed ? `the private key that was given, ${named.join(", ")},` : "every private key here";
    const texts = ["GIT_VAULT_IDENTITY", "SOPS_AGE_KEY"].flatMap(
      (name) => env[name]?.match(/(?<=^|\s)AGE-(?:SECRET-KEY|PLUGIN)-\S+/g) ?? [],
    );
    this.#text = isNamed ? Buffer.from(key?.bytes ?? []) : Buffer.from(texts.map((text) => `${text}\n`).join(""));
    const name = key?.name ?? "the variable that holds age keys";
    const files = isNamed ? (identities ?? []) : filesOf(env, home);
    this.#ways = [
      ...(this.#text.length > 0 ? [() => ({ key: { name, bytes: Buffer.from(this.#text) } })] : []),
      ...files.map((file) => () => ({ keyFiles: [file] })),
      ...(isNamed ? [] : [() => ({})]),
    ];
  }

  /**
   * What a sealed message holds; null where none of the keys is for it.
   *
   * @param to the recipient that the file names: gpg is run for keys of its own alone
   * @throws as `receive`, for the first key that cannot be used, where no other opens it
   */
  async open(message: string, to: string): Promise<Buffer | null> {
    const { receive } = await import("@git-vault/sharing");
    let failure: unknown;
    for (const way of this.#ways) {
      try {
        const keys = way();
        const isForGpg = keys.key === undefined && keys.keyFiles === undefined;
        if (isForGpg && message.includes("-----BEGIN PGP") && !(await this.#isOfGpg(to))) continue;
        const { plaintext } = await receive(Buffer.from(message), { ...this.#common, ...keys });
        return plaintext;
      } catch (error) {
        if (!isVaultError(error) || error.code === "INTERRUPTED") throw error;
        if (!NOT_FOR_IT.has(error.code)) failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return null;
  }

  /** That none of them opens a file, as a part of a sentence. */
  get noneOpens(): string {
    return this.areNamed ? `${this.title} does not open it` : "no private key here opens it";
  }

  /** Whether gpg has the private key; sops takes IDs, the ends of fingerprints, too. */
  async #isOfGpg(to: string): Promise<boolean> {
    const { gpgSecretFingerprints } = await import("@git-vault/sharing");
    this.#ofGpg ??= gpgSecretFingerprints(this.#common.gpg);
    const id = to.replace(/^0x/i, "").replace(/!$/, "").toUpperCase();
    return id !== "" && [...(await this.#ofGpg)].some((fingerprint) => fingerprint.endsWith(id));
  }

  /** Forgets those that were given as text, and passphrases. */
  wipe(): void {
    this.#text.fill(0);
    for (const passphrase of this.#passphrases.values()) passphrase.fill(0);
    this.#passphrases.clear();
  }
}

/** What says that a key is not for a message, or that there is none. */
const NOT_FOR_IT: ReadonlySet<string> = new Set(["NO_IDENTITY_MATCHED", "GPG_MISSING"]);

/** Where sops looks for files of keys, and git-vault's own variable, as far as they are there. */
function filesOf(env: NodeJS.ProcessEnv, home: string): string[] {
  const config = env["XDG_CONFIG_HOME"] ?? "";
  const folder =
    config !== ""
      ? config
      : process.platform === "darwin"
        ? join(home, "Library/Application Support")
        : join(home, ".config");
  const named = ["GIT_VAULT_IDENTITY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"].map(
    (name) => env[name]?.trim() ?? "",
  );
  return [...named, join(folder, "sops/age/keys.txt")].filter(
    (file) => file !== "" && !/[\0\n]/.test(file) && existsSync(file),
  );
}

/** Asks for each passphrase once; a message that is sealed to one is none of sops's. */
function remembering(
  ask: ReceiveOptions["passphrase"] | undefined,
  known: Map<string, Buffer>,
): ReceiveOptions["passphrase"] {
  return async (request: PassphraseRequest) => {
    const { path, attempt } = request;
    if (path === null || ask === undefined)
      throw new DeployError("LOCKED", "the private key for a file of sops needs a passphrase, and none was given", {
        hint: "use a key without one in CI",
        remedy: "use-bare-key",
      });
    const before = attempt === 1 ? known.get(path) : undefined;
    if (before !== undefined) return Buffer.from(before);
    const answer = Buffer.from(await ask(request));
    known.set(path, Buffer.from(answer));
    return answer;
  };
}
