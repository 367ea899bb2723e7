/*
 * git tells nobody that attributes have changed, and stores plaintext on the paths of a key that it
 * has no filter for. So files of attributes pass a filter themselves, in this clone: it leaves them
 * as they are, and sets guards for keys that they name. No hook would see as much: a pull, a reset,
 * a stash and a rebase all write these files, and git runs the filter for each file that changes.
 */
import { isEncryptedBlob } from "../format/blob.ts";
import { shown } from "../format/file-name.ts";
import { changeConfig } from "../git/config-file.ts";
import { type CommonPlace, localSetting } from "../git/git.ts";
import { changeInfoAttributes, WATCHING_LINE } from "../git/info-attributes.ts";
import { keyNameOf } from "../git/protected-files.ts";
import type { Repository } from "../git/repository.ts";
import { readKeyRing } from "../keys/key-ring.ts";
import { answerGit } from "./filter-protocol.ts";
import { type FilterCommands, keysIn, readSettings, writeGuards } from "./filter-config.ts";

const SECTION = "filter.git-vault-attributes";
const SETTING = `${SECTION}.process`;

/**
 * Answers git that there is no filter, so that it goes on without one where the program is gone or
 * does not start: git ends if a filter's process does before it has said a word.
 */
const NO_FILTER = String.raw`{ printf '0016git-filter-server\n000eversion=2\n00000000'; cat >/dev/null; }`;

/** Each takes some runs of git: anyone who commits names must not hold up a pull for long. */
const MOST_GUARDS = 50;

/**
 * Has git pass files of attributes through {@link runAttributesFilter}. Where the clone cannot be
 * written, all stays as it is.
 *
 * @returns what takes that away again, as far as it was not there before
 * @throws GitCryptError CONFIG_LOCKED, UNWRITABLE, GIT_FAILED
 */
export function watchAttributes(place: CommonPlace, { filterCommand }: FilterCommands): () => void {
  // In a shell of its own, which may exit.
  const command = `(${filterCommand} attributes) || ${NO_FILTER}`;
  const before = localSetting(place, SETTING);
  changeConfig(place, () => (localSetting(place, SETTING) === command ? [] : [["--replace-all", SETTING, command]]));
  // Lines that people wrote outweigh it, being below.
  changeInfoAttributes(place, (text) => (`\n${text}`.includes(`\n${WATCHING_LINE}`) ? text : WATCHING_LINE + text));
  return () => {
    if (before !== undefined) return;
    changeInfoAttributes(place, (text) => text.replace(WATCHING_LINE, ""));
    changeConfig(place, () => (localSetting(place, SETTING) === command ? [["--remove-section", SECTION]] : []));
  };
}

/**
 * Serves git as the filter of files of attributes: they pass as they are. Then it sets a guard for
 * each key that they name, if it is not here and git has no filter for it.
 *
 * @returns the names of the keys that are guarded from now on, sorted
 * @throws GitCryptError BAD_PROTOCOL; CONFIG_LOCKED, UNWRITABLE, GIT_FAILED; what the file
 * descriptors throw
 */
export function runAttributesFilter(
  repository: Repository,
  input: number,
  output: number,
  { onError, ...commands }: FilterCommands & { readonly onError: (error: unknown, path: string) => void },
): readonly string[] {
  const named = new Set<string>();
  answerGit(
    input,
    output,
    (action, content) => {
      const readable = action === "smudge" ? opened(repository, content) : content;
      for (const name of keysNamedIn(readable)) named.add(name);
      return readable;
    },
    (error, name) => onError(error, shown(name)),
  );
  const here = repository.keyNames();
  const lacking = [...named].filter((name) => !here.includes(name));
  if (lacking.length === 0) return [];
  const configured = keysIn(readSettings(repository));
  const guarded = lacking
    .filter((name) => !configured.includes(name))
    .toSorted()
    .slice(0, MOST_GUARDS);
  if (guarded.length > 0) writeGuards(repository, guarded, commands);
  return guarded;
}

/** The keys whose filters a text of attributes speaks of, wherever in a line. */
const keysNamedIn = (content: Uint8Array): string[] =>
  [
    ...Buffer.from(content)
      .toString("latin1")
      .matchAll(/(?<=\sfilter=)\S+/g),
  ].flatMap(([filter]) => keyNameOf(filter) ?? []);

/** Anyone who protected the file itself has it encrypted: git could read nothing in it. */
function opened(repository: Repository, content: Uint8Array): Uint8Array {
  if (!isEncryptedBlob(content)) return content;
  for (const name of repository.keyNames()) {
    const ring = readKeyRing(repository, name);
    try {
      const found = ring.tryOpen(content);
      if (found !== null) return found.content;
    } finally {
      ring.wipe();
    }
  }
  return content;
}
