import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../peers/run.ts";
import { makeSshKey } from "../ssh/ssh-keys.ts";
import { temporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

/**
 * A file that a run left: its mode and what is in it, a vault being told by its key and its secret.
 */
export interface LeftFile {
  readonly mode: string;
  readonly content: string;
}

/** What a run did. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** By path: all but what was there before and stayed as it was. */
  readonly files: Readonly<Record<string, LeftFile>>;
}

/** A command line and what surrounds it. */
export interface Invocation {
  readonly args: readonly string[];
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Prepares the folder that the command runs in, and its home. */
  readonly prepare?: (folder: string, home: string) => void | Promise<void>;
}

/** Opens a vault with keys of a home; the locked one has the passphrase `correct horse`. */
export type OpenVault = (
  vault: Buffer,
  keys: { readonly home: string; readonly keyFiles: readonly string[] },
) => Promise<{ readonly plaintext: Buffer; readonly fingerprint: string | null }>;

/**
 * Homes with keys, to run ssh-vault and vault in:
 *
 * - `home/.ssh`: id_rsa (2048 bits) and id_ed25519
 * - `work/keys`: locked (Ed25519, passphrase `correct horse`), pem (RSA, PKCS#1), weak (RSA of 1024
 *   bits), ecdsa, other (Ed25519)
 */
export class KeyHomes {
  readonly #folder: TemporaryFolder = temporaryFolder();
  readonly #model: string = join(this.#folder.path, "model");
  readonly #vault: string;
  readonly #open: OpenVault;
  #runs = 0;

  private constructor(vault: string, open: OpenVault) {
    this.#vault = vault;
    this.#open = open;
  }

  /** @param vault the built program that stands for `vault` */
  static async create(vault: string, open: OpenVault): Promise<KeyHomes> {
    const world = new KeyHomes(vault, open);
    const ssh = join(world.#model, "home/.ssh");
    const keys = join(world.#model, "work/keys");
    for (const folder of [ssh, keys]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    await makeSshKey({ folder: ssh, type: "rsa", bits: 2048, comment: "me@rsa" });
    await makeSshKey({ folder: ssh, type: "ed25519", comment: "me@ed" });
    await makeSshKey({ folder: keys, name: "locked", type: "ed25519", passphrase: "correct horse" });
    await makeSshKey({ folder: keys, name: "pem", type: "rsa", bits: 2048, format: "PEM" });
    await makeSshKey({ folder: keys, name: "weak", type: "rsa", bits: 1024, comment: "weak" });
    await makeSshKey({ folder: keys, name: "ecdsa", type: "ecdsa", comment: "ec" });
    await makeSshKey({ folder: keys, name: "other", type: "ed25519", comment: "other" });
    return world;
  }

  remove(): void {
    this.#folder.remove();
  }

  /** A file of the model: `home/…` or `work/…`. */
  read(path: string): string {
    return readFileSync(join(this.#model, path), "utf8");
  }

  /**
   * What a vault holds, as `[SHA256:… secret]`; `[damaged]` where it does not open with any of the
   * keys.
   */
  async tell(vault: string | Uint8Array): Promise<string> {
    const names = [
      "home/.ssh/id_rsa",
      "home/.ssh/id_ed25519",
      ...["locked", "pem", "weak", "other"].map((its) => `work/keys/${its}`),
    ];
    const keyFiles = names.map((name) => join(this.#model, name));
    const opened = await this.#open(Buffer.from(vault), { home: this.#model, keyFiles }).catch(() => null);
    return opened === null ? "[damaged]" : `[${opened.fingerprint} ${opened.plaintext.toString()}]`;
  }

  /** Runs a program in a world of its own. */
  async run(program: string, { args, input, env = {}, prepare }: Invocation): Promise<Outcome> {
    this.#runs += 1;
    const root = join(this.#folder.path, `run-${this.#runs}`);
    cpSync(this.#model, root, { recursive: true });
    const [work, home] = [join(root, "work"), join(root, "home")];
    await prepare?.(work, home);
    const before = filesOf(root);
    const [command, first] = program === "vault" ? [process.execPath, [this.#vault]] : [program, []];
    const result = await run(command, [...first, ...args], {
      cwd: work,
      env: {
        HOME: home,
        PATH: process.env["PATH"],
        XDG_RUNTIME_DIR: root,
        TMPDIR: root,
        ...env,
      },
      timeout: 120_000,
      ...(input === undefined ? {} : { input }),
    });
    const files: Record<string, LeftFile> = {};
    for (const [path, file] of filesOf(root)) {
      if (before.get(path)?.content.equals(file.content)) continue;
      files[path] = { mode: file.mode, content: await this.#withVaultsTold(file.content.toString()) };
    }
    return {
      status: result.status,
      stdout: await this.#withVaultsTold(result.stdout.toString()),
      stderr: result.stderr,
      files,
    };
  }

  async #withVaultsTold(text: string): Promise<string> {
    let told = text;
    // By itself, in a shell's quotes, or in a string of JSON.
    for (const [vault] of text.matchAll(/SSH-VAULT;(?:[\w+/=;:-]|\n|\\n)+/g))
      told = told.replace(vault.trimEnd(), await this.tell(vault.replaceAll("\\n", "\n")));
    return told;
  }
}

function filesOf(root: string): Map<string, { mode: string; content: Buffer }> {
  const files = new Map<string, { mode: string; content: Buffer }>();
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    const stat = lstatSync(join(root, path));
    if (stat.isFile()) {
      files.set(path, { mode: (stat.mode & 0o777).toString(8), content: readFileSync(join(root, path)) });
    }
  }
  return files;
}
