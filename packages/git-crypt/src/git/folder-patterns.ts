import { filterLines, type FilterLine, macrosIn } from "./attribute-lines.ts";
import { type LineFinding, lineFindings } from "./attribute-mistakes.ts";
import { type AttributesFile, foldersOf } from "./attribute-states.ts";
import type { CommonPlace } from "./git.ts";
import { filtersIn, mayFit } from "./once-protected.ts";
import { unprotectedOnPurpose } from "./on-purpose.ts";
import { keyNameOf } from "./protected-files.ts";

/** A line that protects, and the file of attributes that it stands in. */
interface Line {
  readonly file: string;
  readonly line: FilterLine;
}

/** Of `secrets/**` all in the folder is meant, as git reads it. */
const meansFiles = (pattern: string): boolean => /[*/]"?$/.test(pattern);

/**
 * The lines that fit a folder, such as `config/secrets`, of which a file is not protected: in
 * `.gitignore` such a pattern takes in all that is in the folder, and here nothing.
 *
 * @param files of attributes that git reads
 * @param open the names of files that nothing protects
 */
export function folderPatterns(
  place: CommonPlace,
  files: readonly AttributesFile[],
  open: readonly string[],
): LineFinding[] {
  const folders = [...foldersOf(open)].filter((folder) => folder !== "");
  const lastParts = [...new Set(folders.map((folder) => folder.slice(folder.lastIndexOf("/") + 1)))];
  const macros = macrosIn(files.map(({ text }) => text));
  const lines = files.flatMap(({ name, text }): Line[] =>
    filterLines(text, macros)
      .filter(({ filters }) => keyNameOf(filters.at(-1) ?? "") !== null)
      .filter(({ pattern }) => !meansFiles(pattern) && mayFit(pattern, lastParts))
      .map((line) => ({ file: name, line })),
  );
  if (lines.length === 0) return [];
  const states = lines.map(({ file, line }) => new Map([[file, [line]]]));
  const fitting = filtersIn(place, states, folders).map(
    (filters) => new Set(folders.filter((_, at) => keyNameOf(filters[at] ?? "") !== null)),
  );
  const names = open.filter((name) => fitting.some((some) => isBelow(name, some)));
  const purposes = unprotectedOnPurpose(place, names);
  const left = names.filter((name) => !purposes.has(name));
  return lineFindings(
    "folder-pattern",
    lines.filter((_, at) => left.some((name) => isBelow(name, fitting[at]))).map(({ line }) => line.pattern),
  );
}

const isBelow = (name: string, folders: ReadonlySet<string> = new Set()): boolean =>
  [...foldersOf([name])].some((folder) => folders.has(folder));
