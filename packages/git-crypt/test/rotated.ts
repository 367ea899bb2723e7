import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeKeyFile, encryptBlob, generateKeyFile, keyId, type KeyFile, parseKeyFile } from "../src/index.ts";
import { entryFor } from "./log.ts";
import type { Sealed } from "./sealed.ts";

/** Where a rotation from one key to another keeps the old one, as docs/formats.md has it. */
export function retiredPath(old: KeyFile, key: KeyFile): string {
  return `.git-vault/retired/${key.name ?? "default"}/${keyId(old)}.${keyId(key)}.key`;
}

/** A new key and its file. */
export interface NewKey {
  readonly keyFile: KeyFile;
  readonly bytes: Buffer;
}

/**
 * Replaces a repository's key by hand, with git alone: a commit whose files are encrypted with a
 * new key, and which holds the old one sealed. The work tree keeps the old key and the old commit.
 */
export async function rotateByHand(source: Sealed, branch: string, files: Record<string, string>): Promise<NewKey> {
  const { repo } = source;
  const keyFile = generateKeyFile();
  const old = parseKeyFile(source.key);
  const folder = join(repo.folder, `by-hand-${branch}`);
  await repo.git("clone", "--quiet", `file://${repo.path}`, folder);
  const put = (path: string, content: Uint8Array): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  for (const [name, content] of Object.entries(files)) put(name, encryptBlob(keyFile, Buffer.from(content)));
  put(".git-vault/.gitattributes", Buffer.from("* -text !eol !filter !diff !merge -ident !working-tree-encoding\n"));
  put(retiredPath(old, keyFile), encryptBlob(keyFile, encodeKeyFile(old)));
  if (source.opened.generations("default") !== null) put(...entryFor(source.opened, keyFile));
  await repo.git("-C", folder, "checkout", "--quiet", "-b", branch);
  await repo.git("-C", folder, "add", "--all");
  await repo.git("-C", folder, "commit", "--quiet", "--message=Rotate");
  await repo.git("fetch", "--quiet", folder, `${branch}:${branch}`);
  return { keyFile, bytes: encodeKeyFile(keyFile) };
}
