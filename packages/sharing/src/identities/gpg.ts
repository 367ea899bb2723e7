import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { startProgram } from "@git-vault/git-crypt/programs";
import { SealingError } from "@git-vault/sealing";
import { SharingError } from "../errors.ts";

/** How the installed gpg is run. */
export interface GpgOptions {
  /** The program; `gpg` where it is left out. */
  readonly program?: string | undefined;
  /**
   * Whether its agent may ask for a passphrase or a card, in its own window or on the terminal; it
   * may where it is left out.
   */
  readonly ask?: boolean | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** What gpg decrypted, and with which key. */
export interface GpgDecrypted {
  /** Secret: overwrite it with zeros when done. */
  readonly plaintext: Buffer;
  /** The primary key's, upper-case hex; null if gpg does not tell, or for a passphrase. */
  readonly fingerprint: string | null;
}

/** As much as openpgp.js is let open. */
const MAX_OUTPUT = 16 * 1024 * 1024;
const NO_BYTES: Buffer = Buffer.alloc(0);
/** Numbers of libgpg-error, in the low 16 bits of a code. */
const BAD_PASSPHRASE = 11;
const CANCELED = 99;

interface GpgResult {
  readonly status: number | null;
  readonly stdout: Buffer;
  /** What it says for programs: see doc/DETAILS in gpg's source. */
  readonly statuses: readonly (readonly string[])[];
  readonly tooLarge: boolean;
}

/**
 * Decrypts a message with the gpg that is installed, its agent and its smart cards. Signatures
 * inside are not checked.
 *
 * @param message at most 16 MiB
 * @throws SealingError `NO_IDENTITY_MATCHED`, `TAMPERED_MESSAGE`, `MALFORMED_MESSAGE` (also for a
 * message without integrity protection), `TOO_LARGE`; SharingError `GPG_MISSING`, `GPG_FAILED`
 */
export async function decryptByGpg(message: Uint8Array, options: GpgOptions = {}): Promise<GpgDecrypted> {
  const { ask = true } = options;
  const quiet = ask ? [] : ["--pinentry-mode", "error"];
  const result = await runGpg(["--skip-verify", ...quiet, "--decrypt"], message, options);
  const { statuses, stdout } = result;
  const find = (name: string): readonly string[] | undefined => statuses.find(([first]) => first === name);
  const [, mdc = "0", , aead = "0"] = find("DECRYPTION_INFO") ?? [];
  const isProtected = find("GOODMDC") !== undefined || mdc !== "0" || aead !== "0";
  if (result.status === 0 && !result.tooLarge && find("DECRYPTION_OKAY") !== undefined && isProtected) {
    return { plaintext: stdout, fingerprint: find("DECRYPTION_KEY")?.[2] ?? null };
  }
  stdout.fill(0);
  if (result.tooLarge) {
    throw new SealingError("TOO_LARGE", `the OpenPGP message holds more than ${MAX_OUTPUT} bytes`, {
      hint: "open it with gpg --decrypt",
    });
  }
  throw explain(statuses, find);
}

type Find = (name: string) => readonly string[] | undefined;

function explain(statuses: GpgResult["statuses"], find: Find): Error {
  const failures = statuses.filter(([name, where]) => name === "ERROR" && where === "pkdecrypt_failed");
  const code = Number(failures[0]?.[2] ?? 0) & 0xffff;
  if (find("BADMDC") !== undefined) {
    return new SealingError(
      "TAMPERED_MESSAGE",
      "the message was altered after it was sealed: gpg finds its data not authentic",
      { hint: "do not use it; ask for it to be sealed and sent again" },
    );
  }
  if (failures.length > 0) {
    const why =
      code === CANCELED
        ? "the question for the passphrase was cancelled"
        : code === BAD_PASSPHRASE
          ? "the passphrase was wrong"
          : "its agent did not give it";
    return new SharingError("GPG_FAILED", `gpg could not use the private key: ${why}`, {
      hint: "try `gpg --decrypt` by itself; its agent may need GPG_TTY=$(tty), or the smart card",
    });
  }
  // Where it had a key, it tells how the data is encrypted.
  if (find("ENC_TO") !== undefined && find("DECRYPTION_INFO") === undefined) {
    const keys = statuses.flatMap(([name, keyId = ""]) => (name === "ENC_TO" ? [keyId] : [])).slice(0, 8);
    return new SealingError(
      "NO_IDENTITY_MATCHED",
      `gpg has no private key for the message, which is sealed to ${keys.map((keyId) => `an OpenPGP key ${keyId}`).join(", ")}`,
      { subject: "gpg", hint: "name a private key file, or ask the sender to seal to a key of yours" },
    );
  }
  return new SealingError("MALFORMED_MESSAGE", "malformed message: gpg cannot decrypt it whole", {
    hint: "part of the message may have been lost or changed on the way; `gpg --decrypt` by itself says more",
  });
}

/** Fingerprints of gpg's private primary keys, also on cards; empty without gpg. */
export async function gpgSecretFingerprints(options: GpgOptions = {}): Promise<Set<string>> {
  if (!hasGpgHome(options.env)) return new Set();
  try {
    const { stdout } = await runGpg(["--with-colons", "--list-secret-keys"], NO_BYTES, options);
    const lines = stdout.toString().split("\n");
    return new Set(lines.filter((line) => line.startsWith("fpr:")).map((line) => line.split(":")[9] ?? ""));
  } catch (error) {
    if (error instanceof SharingError && error.code === "GPG_MISSING") return new Set();
    throw error;
  }
}

/** Whether gpg may have keys: asked for them without its folder, it would make one. */
function hasGpgHome(env: NodeJS.ProcessEnv = process.env): boolean {
  // On Windows, the registry can name another folder.
  if (process.platform === "win32") return true;
  return existsSync(env["GNUPGHOME"] ?? join(env["HOME"] ?? homedir(), ".gnupg"));
}

/** gpg's public keys with these IDs or fingerprints, binary; empty if it has none. */
export async function exportByGpg(keys: readonly string[], options: GpgOptions = {}): Promise<Buffer> {
  if (keys.length === 0) return NO_BYTES;
  return (await runGpg(["--export", ...keys.map((key) => `0x${key}`)], NO_BYTES, options)).stdout;
}

function runGpg(args: readonly string[], input: Uint8Array, { program = "gpg", env }: GpgOptions): Promise<GpgResult> {
  return new Promise((resolve, reject) => {
    // It never talks to the terminal itself; what its agent asks is the agent's.
    const child = startProgram(program, ["--batch", "--quiet", "--status-fd", "3", ...args], {
      env,
      stdio: ["pipe", "pipe", "ignore", "pipe"],
    });
    const out: Buffer[] = [];
    const said: Buffer[] = [];
    let length = 0;
    let tooLarge = false;
    child.stdout?.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_OUTPUT) out.push(chunk);
      else if (!tooLarge) {
        tooLarge = true;
        child.kill();
      }
    });
    child.stdio[3]?.on("data", (chunk: Buffer) => said.push(chunk));
    // It may end before it read all; how it ended says why.
    child.stdin?.on("error", () => {});
    child.on("error", (cause) => {
      reject(
        new SharingError("GPG_MISSING", "the message is OpenPGP's, and gpg is not installed or cannot be run", {
          hint: "install gpg, or name a private key file",
          cause,
        }),
      );
    });
    child.on("close", (code) => {
      const whole = Buffer.concat(out);
      for (const chunk of out) chunk.fill(0);
      resolve({ status: code, stdout: whole, statuses: statusesOf(Buffer.concat(said).toString()), tooLarge });
    });
    child.stdin?.end(input);
  });
}

const statusesOf = (text: string): string[][] =>
  text.split("\n").flatMap((line) => (line.startsWith("[GNUPG:] ") ? [line.slice(9).split(" ")] : []));
