import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { GitHubStandIn } from "../github/index.ts";
import { makeSshKey } from "../ssh/ssh-keys.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** GitHub and the keys of those who are on it: see `startScriptPeople`. */
export interface ScriptPeople {
  readonly github: GitHubStandIn;
  /** Puts `choldgraf`'s keys into `home/.ssh`, and the others into `work/keys`. */
  bring(place: { readonly home: string; readonly work: string }): void;
  close(): Promise<void>;
}

/**
 * The users choldgraf (the keys id_ed25519 and id_rsa), locked (a key with the passphrase
 * `correct horse`), ecdsa-only, mixed, no-keys and signs (stranger's key, which only signs), and
 * the team binder/team of choldgraf and locked, which the token `good-token` may see. Of the keys
 * stranger and rsa1024 nobody has one alone.
 */
export async function startScriptPeople(): Promise<ScriptPeople> {
  const { startGitHub } = await import("../github/index.ts");
  const folder = temporaryFolder();
  const make = async (name: string, type: "ed25519" | "rsa" | "ecdsa", more: object = {}): Promise<string> => {
    const { publicKey } = await makeSshKey({ folder: folder.path, name, type, comment: name, ...more });
    return publicKey.split(" ").slice(0, 2).join(" ");
  };
  const ed25519 = await make("id_ed25519", "ed25519");
  const rsa = await make("id_rsa", "rsa", { bits: 3072 });
  const locked = await make("locked", "ed25519", { passphrase: "correct horse" });
  const stranger = await make("stranger", "ed25519");
  const ecdsa = await make("ecdsa", "ecdsa");
  const weak = await make("rsa1024", "rsa", { bits: 1024 });
  const github = await startGitHub();
  github.users.set("choldgraf", { keys: [ed25519, rsa] });
  github.users.set("locked", { keys: [locked] });
  github.users.set("ecdsa-only", { keys: [ecdsa] });
  github.users.set("mixed", { keys: [ecdsa, weak, ed25519] });
  github.users.set("no-keys", { keys: [] });
  github.users.set("signs", { keys: [], signingKeys: [stranger] });
  github.teams.set("binder/team", ["choldgraf", "locked"]);
  github.tokens.add("good-token");
  return {
    github,
    bring({ home, work }) {
      const [ssh, keys] = [join(home, ".ssh"), join(work, "keys")];
      for (const place of [ssh, keys]) mkdirSync(place, { mode: 0o700 });
      for (const name of readdirSync(folder.path))
        copyFileSync(join(folder.path, name), join(name.startsWith("id_") ? ssh : keys, name));
    },
    async close() {
      await github.close();
      folder.remove();
    },
  };
}
