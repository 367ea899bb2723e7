import { join } from "node:path";
import { Script } from "node:vm";
import { cachePath, keepCompiled, type Kept, readCompiled } from "./code-cache.ts";

/** Node's own, for what is not of the program. */
declare const require: (name: string) => unknown;

/** Where the files of the program are. */
export interface ProgramFiles {
  /** Where they say that they lie. */
  readonly folder: string;
  /**
   * A file's text between `before` and `after`, and when it was written, in milliseconds. That it
   * is put together here spares V8 to copy it.
   */
  read(name: string, before: string, after: string): { readonly source: string; readonly time: number };
}

type Files = Map<string, { readonly time: number; readonly script: Script; readonly module: { exports: unknown } }>;

/**
 * Runs a file of the program, and the files beside it that it requires. They are compiled from what
 * an earlier run of the same command kept, where there is any; else that is kept in the end.
 *
 * @param name of a file among `program`'s
 * @param command names what is kept together
 */
export function runFile(name: string, command: string, program: ProgramFiles): void {
  const path = cachePath(command);
  const kept = path === null ? null : readCompiled(path);
  const compiled = new Map((kept?.files ?? []).map((file) => [file.name, file]));
  const files: Files = new Map();
  let isLacking = false;
  const load = (file: string): unknown => {
    const loaded = files.get(file);
    if (loaded !== undefined) return loaded.module.exports;
    const filename = join(program.folder, file);
    const { source, time } = program.read(file, BEFORE, AFTER);
    const before = compiled.get(file);
    const cachedData = before?.time === time ? before.data : undefined;
    const script = new Script(source, { filename, cachedData });
    isLacking ||= cachedData === undefined || script.cachedDataRejected === true;
    const module = { exports: {} };
    files.set(file, { time, script, module });
    script.runInThisContext().call(module.exports, module.exports, requireHere, module, filename, program.folder);
    return module.exports;
  };
  const requireHere = (id: string): unknown => (id.startsWith("./") ? load(id.slice(2)) : require(id));
  process.once("exit", (code) => {
    const isOfSuccess = code === 0;
    const isBetter = isLacking || (isOfSuccess && kept?.isOfSuccess === false);
    if (path === null || !isBetter || code === WRONG_USAGE) return;
    keepCompiled(path, () => ({ files: compiledFiles(kept, files), isOfSuccess }));
  });
  load(name);
}

const BEFORE = "(function (exports, require, module, __filename, __dirname) { ";
const AFTER = "\n})";

const WRONG_USAGE = 2;

/** What this run compiled, and what an earlier one did and this one had no use for. */
const compiledFiles = (kept: Kept | null, files: Files): Kept["files"] => [
  ...(kept?.files ?? []).filter(({ name }) => !files.has(name)),
  ...[...files].map(([name, { time, script }]) => ({ name, time, data: script.createCachedData() })),
];
