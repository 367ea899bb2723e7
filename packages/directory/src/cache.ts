import { createHash, randomUUID } from "node:crypto";
import { lstat, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { assertString } from "@git-vault/core";
import type { Environment } from "./settings.ts";

/** An answer that was kept: it is never used before the server said that it is still the same. */
export interface CachedAnswer {
  readonly etag: string;
  readonly contentType: string;
  /** The header that leads to the next page; empty where there was none. */
  readonly link: string;
  readonly body: Buffer;
}

/** What two requests must share to get the same answer. */
export interface CacheKey {
  readonly url: string;
  readonly accept: string;
  readonly token: string | undefined;
}

const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

/** The default cache: `$XDG_CACHE_HOME/git-vault`, else `~/.cache/git-vault`; or null. */
export function defaultCacheFolder(env: Environment): string | null {
  const base = env["XDG_CACHE_HOME"] ?? "";
  // The XDG Base Directory Specification has relative paths ignored.
  if (isAbsolute(base)) return join(base, "git-vault");
  const home = env["HOME"] ?? homedir();
  return isAbsolute(home) ? join(home, ".cache", "git-vault") : null;
}

/** Throws for what is no answer. */
function parse(text: string, id: string): CachedAnswer | null {
  const stored = new Map<string, unknown>(Object.entries(JSON.parse(text)));
  const field = (name: string): string => {
    const value = stored.get(name);
    assertString(name, value);
    return value;
  };
  const body = Buffer.from(field("body"), "base64");
  if (field("id") !== id || field("sha256") !== sha256(body)) return null;
  return { etag: field("etag"), contentType: field("contentType"), link: field("link"), body };
}

/**
 * Answers kept on disk with their ETags, so that asking again costs little. A cache that is
 * missing, broken, or writable by others is as if it were empty, and one that cannot be written
 * changes nothing: no method throws.
 */
export class AnswerCache {
  readonly #folder: string | null;

  /** @param folder null to keep nothing */
  constructor(folder: string | null) {
    this.#folder = folder === null ? null : join(folder, "http");
  }

  #id({ url, accept, token }: CacheKey): string {
    return sha256([url, accept, token === undefined ? "" : sha256(token)].join("\n"));
  }

  /** Whether only we can write the folder: others could plant their own keys. */
  async #isSafe(folder: string): Promise<boolean> {
    const stats = await lstat(folder);
    if (!stats.isDirectory()) return false;
    return process.getuid === undefined || (stats.uid === process.getuid() && (stats.mode & 0o022) === 0);
  }

  /** What was kept under `key`; null where there is nothing usable. */
  async read(key: CacheKey): Promise<CachedAnswer | null> {
    if (this.#folder === null) return null;
    try {
      if (!(await this.#isSafe(this.#folder))) return null;
      const id = this.#id(key);
      return parse(await readFile(join(this.#folder, `${id}.json`), "utf8"), id);
    } catch {
      return null;
    }
  }

  /** Keeps an answer in a file of mode 0600, whole or not at all. */
  async write(key: CacheKey, { etag, contentType, link, body }: CachedAnswer): Promise<void> {
    if (this.#folder === null) return;
    const temporary = join(this.#folder, `${randomUUID()}.tmp`);
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      if (!(await this.#isSafe(this.#folder))) return;
      const id = this.#id(key);
      const stored = { id, etag, contentType, link, sha256: sha256(body), body: body.toString("base64") };
      await writeFile(temporary, JSON.stringify(stored), { mode: 0o600, flag: "wx" });
      await rename(temporary, join(this.#folder, `${id}.json`));
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }
}
