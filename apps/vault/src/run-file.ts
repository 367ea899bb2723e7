import { join } from "node:path";
import { Script } from "node:vm";
import { cachePath, type CompiledFile, keepCompiled, readCompiled } from "./code-cache.ts";

/** Node's own, for what is not of the program. */
declare const require: (name: string) => unknown;

/** Where the files of the program are. */
export interface ProgramFiles {
  /** Where they say that they lie. */
  readonly folder: string;
  /** A file's text, and when it was written, in milliseconds. */
  read(name: string): { readonly text: string; readonly time: number };
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
  const kept = new Map(path === null ? [] : readCompiled(path).map((file) => [file.name, file]));
  const files: Files = new Map();
  let isLacking = false;
  const load = (file: string): unknown => {
    const loaded = files.get(file);
    if (loaded !== undefined) return loaded.module.exports;
    const filename = join(program.folder, file);
    const { text, time } = program.read(file);
    const before = kept.get(file);
    const cachedData = before?.time === time ? before.data : undefined;
    const source = `(function (exports, require, module, __filename, __dirname) { ${text}\n})`;
    const script = new Script(source, { filename, cachedData });
    isLacking ||= cachedData === undefined || script.cachedDataRejected === true;
    const module = { exports: {} };
    files.set(file, { time, script, module });
    script.runInThisContext().call(module.exports, module.exports, requireHere, module, filename, program.folder);
    return module.exports;
  };
  const requireHere = (id: string): unknown => (id.startsWith("./") ? load(id.slice(2)) : require(id));
  process.once("exit", (code) => {
    if (path !== null && isLacking && code !== WRONG_USAGE) keepCompiled(path, () => compiledFiles(kept, files));
  });
  load(name);
}

const WRONG_USAGE = 2;

/** What this run compiled, and what an earlier one did and this one had no use for. */
const compiledFiles = (kept: ReadonlyMap<string, CompiledFile>, files: Files): CompiledFile[] => [
  ...[...kept.values()].filter(({ name }) => !files.has(name)),
  ...[...files].map(([name, { time, script }]) => ({ name, time, data: script.createCachedData() })),
];
