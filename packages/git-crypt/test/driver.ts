// Stands for the command line, bundled: `node driver.mjs COMMAND …`, run in the repository.
import { readFileSync, writeSync } from "node:fs";
import {
  abortRotation,
  checkStaged,
  continueRotation,
  filterContent,
  initialize,
  lock,
  merge,
  type Repository,
  rotate,
  runAttributesFilter,
  runFilter,
  status,
  unlock,
} from "../src/index.ts";
import { entriesFor, openLogged } from "./log.ts";

const self = `"${process.execPath}" "${process.argv[1]}"`;
const commands = { filterCommand: `${self} filter`, mergeCommand: `${self} merge` };
const args = process.argv.slice(2);
const keyName = args.find((arg) => arg.startsWith("--key-name="))?.slice("--key-name=".length) ?? "default";
const [command = "", ...rest] = args.filter((arg) => !arg.startsWith("--"));
const flag = (name: string): boolean => args.includes(`--${name}`);

function print(value: unknown): void {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

function tell(error: unknown): void {
  const { code, name, message } = error as Error & { readonly code?: string };
  writeSync(2, `${code ?? name}: ${message}\n`);
}

function filter(repository: Repository): void {
  const [action] = rest;
  const onError = (error: unknown, path: string): void => tell({ name: path, message: (error as Error).message });
  if (action === "attributes") return void runAttributesFilter(repository, 0, 1, { ...commands, onError });
  if (action !== "clean" && action !== "smudge") {
    return runFilter(repository, 0, 1, { keyName, onError, onSealed: tell });
  }
  const bytes = filterContent(repository, action, readFileSync(0), { keyName });
  for (let offset = 0; offset < bytes.length;) offset += writeSync(1, bytes, offset);
}

const actions: Readonly<Record<string, (repository: Repository) => unknown>> = {
  init: (repository) => initialize(repository, { ...commands, keyName, force: flag("force") }),
  unlock: (repository) => {
    const keys = rest.map((path) => readFileSync(path));
    print(unlock(repository, keys, commands));
  },
  rotate: async (repository) =>
    print(
      await rotate(repository, {
        ...commands,
        keyNames: keyName.split(","),
        message: "Rotate\n",
        filesFor: entriesFor(repository),
      }),
    ),
  continue: (repository) => print(continueRotation(repository, commands)),
  abort: (repository) => abortRotation(repository, commands),
  lock: (repository) => print(lock(repository, { force: flag("force"), allWorktrees: flag("all-worktrees") })),
  status: (repository) => print(status(repository, { history: flag("history") })),
  "check-staged": (repository) => {
    const findings = checkStaged(repository);
    if (findings.length === 0) return;
    for (const { file } of findings) writeSync(2, `${file}\n`);
    process.exitCode = 1;
  },
  merge: (repository) => {
    const [base = "", ours = "", theirs = "", markerSize] = rest;
    process.exitCode = merge(repository, { base, ours, theirs, markerSize: Number(markerSize), keyName });
  },
  filter,
};

async function main(): Promise<void> {
  try {
    await actions[command]?.(openLogged(".", process));
    if (flag("peak")) print({ kilobytes: process.resourceUsage().maxRSS });
  } catch (error) {
    tell(error);
    process.exitCode = 1;
  }
}

void main();
