// Stands for the command line, bundled: `node driver.mjs COMMAND …`, run in the repository.
import { readFileSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as gitCrypt from "../src/index.ts";

const self = `"${process.execPath}" "${fileURLToPath(import.meta.url)}"`;
const commands = { filterCommand: `${self} filter`, mergeCommand: `${self} merge` };
const args = process.argv.slice(2);
const keyName = args.find((arg) => arg.startsWith("--key-name="))?.slice("--key-name=".length) ?? "default";
const [command, ...rest] = args.filter((arg) => !arg.startsWith("--"));
const flag = (name) => args.includes(`--${name}`);

function print(value) {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

const actions = {
  init: (repository) => gitCrypt.initialize(repository, { ...commands, keyName, force: flag("force") }),
  unlock: (repository) =>
    print(
      gitCrypt.unlock(
        repository,
        rest.map((path) => readFileSync(path)),
        { ...commands, force: flag("force") },
      ),
    ),
  rotate: async (repository) => print(await gitCrypt.rotate(repository, { ...commands, keyName })),
  continue: (repository) => print(gitCrypt.continueRotation(repository, commands)),
  abort: (repository) => gitCrypt.abortRotation(repository, commands),
  lock: (repository) => print(gitCrypt.lock(repository, { force: flag("force"), allWorktrees: flag("all-worktrees") })),
  status: (repository) => print(gitCrypt.status(repository, { history: flag("history") })),
  "check-staged": (repository) => {
    const findings = gitCrypt.checkStaged(repository);
    if (findings.length === 0) return;
    for (const { path } of findings) writeSync(2, `${path}\n`);
    process.exitCode = 1;
  },
  merge: (repository) => {
    const [base, ours, theirs, markerSize, path] = rest.filter((word) => word !== "--");
    process.exitCode = gitCrypt.merge(repository, {
      base,
      ours,
      theirs,
      path,
      markerSize: Number(markerSize),
      keyName,
    });
  },
  filter: (repository) => {
    if (rest[0] === undefined) {
      return gitCrypt.runFilter(repository, 0, 1, {
        keyName,
        onError: (error, path) => writeSync(2, `${path}: ${error.message}\n`),
        onSealed: (error) => writeSync(2, `${error.message}\n`),
      });
    }
    const { keyFile } = repository.readKey(keyName);
    const transform = { clean: gitCrypt.cleanContent, smudge: gitCrypt.smudgeContent }[rest[0]];
    const bytes = transform(keyFile, readFileSync(0));
    for (let offset = 0; offset < bytes.length;) offset += writeSync(1, bytes, offset);
  },
};

try {
  await actions[command](gitCrypt.openRepository("."));
  if (flag("peak")) print({ kilobytes: process.resourceUsage().maxRSS });
} catch (error) {
  writeSync(2, `${error.code ?? error.name}: ${error.message}\n`);
  process.exitCode = 1;
}
