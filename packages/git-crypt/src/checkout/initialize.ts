import { existsSync } from "node:fs";
import { join } from "node:path";
import { GitCryptError } from "../errors.ts";
import { isEncryptedBlob } from "../format/blob.ts";
import { encodeKeyFile, generateKeyFile, parseKeyFile, wipeKeyFile } from "../format/key-file.ts";
import { assertKeyName, DEFAULT_KEY_NAME } from "../format/key-name.ts";
import { gitSucceeds, recordsOf, runGit } from "../git/git.ts";
import { oidsOf, readStarts, sizesOf } from "../git/objects.ts";
import { faultIn } from "../git/attribute-mistakes.ts";
import { listPresent } from "../git/attribute-states.ts";
import { filtersElsewhere } from "../git/once-protected.ts";
import { GIT_FILES, grantFolderOf } from "../git/own-folders.ts";
import { assertWorkTree, filterOf, isRegular, keyNameOf, listIndex, listProtected } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { removeKey, storeKey } from "../keys/stored-keys.ts";
import { type FilterCommands, settingsOf, writeSettings } from "./filter-config.ts";
import { watchAttributes } from "./watched-attributes.ts";

/** How a repository begins to use git-crypt. */
export interface InitializeOptions extends FilterCommands {
  /** The name of the new key: `default` where left out. */
  readonly keyName?: string;
  /** Whether a new key is made though files are encrypted with another, which it will not open. */
  readonly force?: boolean;
}

function usesKey(repository: Repository, keyName: string): boolean {
  const grants = `${grantFolderOf(repository)}/keys/${keyName}`;
  if (repository.topLevel !== null && existsSync(join(repository.topLevel, grants))) return true;
  if (gitSucceeds(repository, "cat-file", "-e", `HEAD:${grants}`)) return true;
  const entries = listProtected(repository).filter((entry) => entry.keyName === keyName && isRegular(entry));
  for (const [, start] of readStarts(repository, sizesOf(repository, oidsOf(entries)))) {
    if (isEncryptedBlob(start)) return true;
  }
  return false;
}

/**
 * Makes a new key for a repository and configures its filter. It writes nothing else: which files
 * are protected, `.gitattributes` says, for which {@link attributesFor} gives the lines.
 *
 * Unlike git-crypt it refuses in a clone whose files, under this key's name, are encrypted already
 * or for which the repository holds grants: the new key would not open them, and what it encrypts
 * nobody else could read.
 *
 * @throws GitCryptError OTHER_KEY where the key exists; ALREADY_USED, unless `force` is set;
 * INVALID_KEY_NAME; UNWRITABLE; CONFIG_LOCKED; GIT_FAILED.
 */
export function initialize(repository: Repository, options: InitializeOptions): void {
  const { keyName = DEFAULT_KEY_NAME, force = false } = options;
  assertKeyName(keyName);
  if (repository.keyNames().includes(keyName)) {
    throw new GitCryptError("OTHER_KEY", `the repository already holds a key named ${keyName}`);
  }
  if (!force && usesKey(repository, keyName)) {
    throw new GitCryptError(
      "ALREADY_USED",
      `the repository already uses a key named ${keyName}, and this clone does not have it`,
      {
        hint: "unlock it instead; a new key would not open its files",
      },
    );
  }
  const keyFile = generateKeyFile(keyName);
  const bytes = encodeKeyFile(keyFile);
  try {
    storeKey([repository.commonDir], keyName, bytes);
  } finally {
    bytes.fill(0);
    wipeKeyFile(keyFile);
  }
  try {
    writeSettings(repository, settingsOf(keyName, options));
    watchAttributes(repository, options);
  } catch (error) {
    removeKey([repository.commonDir], keyName);
    throw error;
  }
}

/**
 * The line for `.gitattributes` that protects the files that `pattern` names, with a line break at
 * its end. `-text` keeps git from changing line ends within the ciphertext; a program without the
 * merge driver passes over its name.
 *
 * A pattern with blanks, quotes or a leading `#` is quoted as git reads it. One for a folder,
 * `secrets/`, becomes one for all that is in it: as it is, it would do in `.gitignore`, and protect
 * nothing here.
 *
 * @throws GitCryptError INVALID_KEY_NAME; INVALID_PATTERN where no file could fit, so that nothing
 * would be protected.
 */
export function attributesFor(pattern: string, keyName: string = DEFAULT_KEY_NAME): string {
  assertKeyName(keyName);
  const fault = faultIn(pattern);
  if (fault !== null)
    throw new GitCryptError("INVALID_PATTERN", `expected a pattern that can match files, got one ${fault}`, {
      hint: "write it as in .gitignore, such as 'secrets/**' or '*.pem'",
    });
  const name = filterOf(keyName);
  return `${quoted(withFiles(pattern))} filter=${name} diff=${name} merge=${name} -text\n`;
}

/** A pattern as it stands on a line. */
const quoted = (pattern: string): string =>
  /^[^\s"#\p{Cc}][^\s"\p{Cc}]*$/u.test(pattern) ? pattern : JSON.stringify(pattern);

/** `secrets/` as in `.gitignore`: everything in a folder of that name, anywhere. */
function withFiles(pattern: string): string {
  if (!pattern.endsWith("/")) return pattern;
  return pattern.slice(0, -1).includes("/") ? `${pattern}**` : `**/${pattern}**`;
}

/**
 * The lines for `.gitattributes` that keep in the clear what must be read without the key, where
 * the attributes of the work tree protect it: git's own files `.gitattributes`, `.gitignore` and
 * `.gitmodules`, in any folder, and the folders of grants. And submodules, which have attributes of
 * their own. They go below the lines that protect.
 *
 * @throws GitCryptError NO_WORK_TREE, GIT_FAILED.
 */
export function exceptionsFor(repository: Repository): string[] {
  assertWorkTree(repository);
  const grants = grantFolderOf(repository);
  const patterns = new Map([
    ...GIT_FILES.map((name) => [name, name] as const),
    // The folder itself is shielded in this clone, and in no other: a twin of it tells.
    [`${grants}-/keys/a`, `${grants}/**`],
  ]);
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"];
  const listed = runGit(repository, [...args, ...GIT_FILES.map((name) => `:(top,glob)**/${name}`)]);
  for (const name of recordsOf(listed)) patterns.set(name, name.slice(name.lastIndexOf("/") + 1));
  for (const { name, mode } of listIndex(repository)) {
    const path = Buffer.from(name, "latin1").toString();
    if (mode === "160000") patterns.set(name, quoted(`/${path.replaceAll(/[*?[\\]/g, String.raw`\$&`)}`));
  }
  const names = [...patterns.keys()];
  const filters = filtersElsewhere(repository, listPresent(repository), names);
  const isProtected = (at: number): boolean => keyNameOf(filters[at] ?? "") !== null;
  const needed = new Set(names.filter((_, at) => isProtected(at)).map((name) => patterns.get(name)));
  return [...needed].map((pattern) => `${pattern} !filter !diff !merge !text\n`);
}

/**
 * Turns a key file of git-crypt before 0.4, 96 bytes without a header, into a current one of 148
 * bytes; a current one is given back as it is. The result is a secret.
 *
 * @throws GitCryptError MALFORMED_KEY_FILE.
 */
export function migrateKey(bytes: Uint8Array): Buffer {
  const keyFile = parseKeyFile(bytes);
  try {
    return encodeKeyFile({ ...keyFile, legacy: false });
  } finally {
    wipeKeyFile(keyFile);
  }
}
