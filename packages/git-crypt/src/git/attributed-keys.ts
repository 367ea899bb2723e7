import { ATTRIBUTES_PATHSPEC, readOutside } from "./attribute-states.ts";
import { type CommonPlace, tryGit } from "./git.ts";
import { keyNameOf, protectedKeyNames } from "./protected-files.ts";

/** The lines of files of attributes that assign a filter of git-crypt's, in whatever file it is. */
function linesOf(place: CommonPlace): string[] {
  const files = ["--", ATTRIBUTES_PATHSPEC];
  const committed = [["HEAD"], ...(place.topLevel === null ? [] : [["--cached"], ["--untracked"]])];
  const found = committed.map((where) =>
    tryGit(place, [
      "grep",
      "-h",
      "--text", // also where an attribute says that it is binary
      "--no-color",
      "--no-recurse-submodules",
      "-e",
      "filter=git-crypt",
      ...where,
      ...files,
    ]),
  );
  const { strongest, weakest } = readOutside(place);
  const texts = [...found.map(({ stdout }) => stdout.toString()), strongest, weakest];
  return texts.flatMap((text) => text.split("\n"));
}

/**
 * The names of the keys that attributes speak of: those of the work tree, the index and HEAD, and
 * those outside of them; whether or not any file fits a pattern.
 *
 * @throws GitCryptError GIT_FAILED
 */
export function attributedKeyNames(place: CommonPlace): string[] {
  const written = linesOf(place).flatMap((line) => {
    const [, filter = ""] = /^\s*[^\s#].*\sfilter=(git-crypt[\w-]*)/.exec(line) ?? [];
    return keyNameOf(filter) ?? [];
  });
  return [...new Set([...written, ...protectedKeyNames(place)])];
}
