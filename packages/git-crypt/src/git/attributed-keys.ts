import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CommonPlace, gitSetting, tryGit } from "./git.ts";
import { keyNameOf, protectedKeyNames } from "./protected-files.ts";

/** The lines of files of attributes that assign a filter of git-crypt's, in whatever file it is. */
function linesOf(place: CommonPlace): string[] {
  const files = ["--", ":(top,glob)**/.gitattributes"];
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
  const others = [join(place.commonDir, "info", "attributes"), gitSetting(place, "core.attributesFile", "--type=path")];
  const texts = [...found.map(({ stdout }) => stdout.toString()), ...others.map((path) => textOf(path))];
  return texts.flatMap((text) => text.split("\n"));
}

function textOf(path: string | undefined): string {
  try {
    return path === undefined ? "" : readFileSync(path, "utf8");
  } catch {
    return ""; // There is none.
  }
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
