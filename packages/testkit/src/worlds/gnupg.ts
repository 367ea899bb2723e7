import { peer } from "../peers/peer.ts";
import { runOk } from "../peers/run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** What a key is made of, as `gpg --quick-generate-key` takes it. */
export interface GnuPgKeyOptions {
  /** `Name <mail>`. */
  readonly userId: string;
  /** Such as `rsa2048`; Curve25519 where it is left out. */
  readonly algorithm?: string;
  /** Without a subkey that encrypts. */
  readonly signOnly?: boolean;
  /** As gpg writes it, such as `never`, `1d` or `seconds=1`; `never` where it is left out. */
  readonly expires?: string;
  /** None where it is left out. */
  readonly passphrase?: string;
}

/** A folder of gpg's own, with its agent. */
export interface GnuPg extends AsyncDisposable {
  readonly home: string;
  /** The environment that makes gpg use it. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs gpg without asking anybody. */
  gpg(args: readonly string[], input?: string | Uint8Array): Promise<Buffer>;
  /** Makes a key and gives the fingerprint of its primary key. */
  generate(options: GnuPgKeyOptions): Promise<string>;
  exportPublic(fingerprint: string, options?: { readonly armor?: boolean }): Promise<Buffer>;
  exportSecret(fingerprint: string, passphrase?: string): Promise<Buffer>;
  /** Ends the agent and removes the folder. */
  end(): Promise<void>;
}

/** Makes a folder for the real gpg to work in. */
export function startGnuPg(): GnuPg {
  // Short, since the agent's socket lies in it and its path may have 107 bytes.
  const folder = temporaryFolder();
  const program = peer("gpg").path;
  const env = { ...process.env, GNUPGHOME: folder.path };
  const common = ["--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback"];
  const gpg = (args: readonly string[], input: string | Uint8Array = ""): Promise<Buffer> =>
    runOk(program, [...common, ...args], { env, input });
  const end = async (): Promise<void> => {
    await runOk("gpgconf", ["--kill", "all"], { env });
    folder.remove();
  };
  return {
    home: folder.path,
    env,
    gpg,
    async generate({ userId, algorithm = "future-default", signOnly = false, expires = "never", passphrase = "" }) {
      const secret = ["--passphrase", passphrase];
      // Of the algorithms, only `future-default` stands for a pair.
      const isPair = algorithm === "future-default" && !signOnly;
      const usage = isPair ? "default" : "sign";
      const status = await gpg([
        ...secret,
        "--status-fd",
        "1",
        "--quick-generate-key",
        userId,
        algorithm,
        usage,
        expires,
      ]);
      const fingerprint = /KEY_CREATED \w ([0-9A-F]+)/.exec(status.toString())?.[1];
      if (fingerprint === undefined) throw new Error("gpg made no key");
      if (!isPair && !signOnly) await gpg([...secret, "--quick-add-key", fingerprint, algorithm, "encrypt", expires]);
      return fingerprint;
    },
    exportPublic: (fingerprint, { armor = true } = {}) => gpg([...(armor ? ["--armor"] : []), "--export", fingerprint]),
    exportSecret: (fingerprint, passphrase = "") =>
      gpg(["--passphrase", passphrase, "--armor", "--export-secret-keys", fingerprint]),
    end,
    [Symbol.asyncDispose]: end,
  };
}
