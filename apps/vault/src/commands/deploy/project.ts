import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { DeployError, type GivenKubeconfig, Project } from "@git-vault/deploy";
import { isOfPullRequest } from "@git-vault/deploy/ci";
import { type GivenValues, keysOf, valuesOfSet } from "@git-vault/deploy/values";
import { isVaultError, printable, secretVariables } from "@git-vault/core";
import { leadsOutOfWorkTree, openRepository } from "@git-vault/git-crypt";
import { annotateError, guardOutput, maskSecrets } from "./ci.ts";
import { CliError, usageError } from "../../errors.ts";
import { openKey } from "../repository/git-crypt-key.ts";
import { readOperand } from "../../io/input.ts";
import { privateKeys } from "../message/private-keys.ts";
import type { Options } from "../../cli/command.ts";
import type { DialogOptions } from "../../cli/flags.ts";
import { say } from "../../io/streams.ts";
import type { KUBECONFIG_FLAGS, PROJECT_FLAGS, VALUES_FLAGS } from "./specs.ts";

/** Which commit of the project is read, and with which key. */
export type ProjectOptions = DialogOptions &
  Partial<Options<typeof PROJECT_FLAGS & typeof VALUES_FLAGS & typeof KUBECONFIG_FLAGS>> & {
    readonly release?: string | undefined;
  };

/** How a project is opened, beside what the flags say. */
interface Opening {
  readonly secrets?: "real" | "stand-ins";
  /** The environments that are looked at, as the command line names them; all where it does not. */
  readonly environments?: readonly string[];
  /** Whether Helm will be needed for sure. */
  readonly needsHelm?: boolean;
  readonly signal?: AbortSignal;
}

/** Of those commands that only tell what a commit would do: whether it gets the secrets. */
export type ReadingOptions = ProjectOptions & { readonly secrets?: "real" | "stand-ins" | undefined };

/**
 * Opens the project as {@link openCommitted} does, for a command that tells what a commit would do:
 * one that a pull request in CI brings gets no secrets unless the caller says so.
 */
export const openToRead = (options: ReadingOptions, opening: Opening = {}): Promise<Project> =>
  openCommitted(options, { ...opening, secrets: options.secrets ?? (isOfPullRequest() ? "stand-ins" : "real") });

/**
 * Opens the project of the repository that the run stands in, with the key that the flags name. In
 * CI, whatever is secret in it is masked from here on.
 */
export async function openProject(
  options: ProjectOptions,
  { secrets = "real", environments = [], needsHelm, signal }: Opening = {},
): Promise<Project> {
  guardOutput();
  const { keyFile, revision, helmTimeout, cloudKey } = options;
  const given = givenValues(options);
  const kubeconfig = givenKubeconfig(options, environments);
  const keys: { readonly name: string; readonly bytes: Buffer }[] = [];
  const { keyFiles, key: privateKey, passphrase, plugins, gpg } = await privateKeys(options);
  try {
    // One after the other: a descriptor is read once, and a private key may ask.
    for (const file of keyFile ?? [])
      keys.push({ name: `the key of ${printable(file)}`, bytes: (await openKey(readOperand(file), options)).key });
    const project = await Project.open({
      root: process.cwd(),
      ...(revision === undefined ? {} : { revision }),
      helmSeconds: helmTimeout,
      given,
      kubeconfig,
      secrets,
      needsHelm,
      key: { bytes: keys.length === 0 ? undefined : keys, identities: keyFiles, passphrase },
      sops: {
        // What a variable holds is looked for there, with what sops has beside it.
        identities: options.key === undefined ? undefined : keyFiles,
        key: options.key === undefined ? undefined : privateKey,
        passphrase,
        plugins,
        gpg,
        cloudKeys: cloudKey,
      },
      only: environments.length === 0 ? undefined : environments,
      signal,
    });
    maskSecrets(project);
    return project;
  } finally {
    for (const { bytes } of keys) bytes.fill(0);
    // It was read, and no program that is started, by whatever, is to find it.
    for (const name of secretVariables(Object.keys(process.env), true)) delete process.env[name];
  }
}

/** What --kubeconfig names: it leads to one cluster, that of the one environment that is named. */
function givenKubeconfig(
  { kubeconfig: operand }: ProjectOptions,
  environments: readonly string[],
): GivenKubeconfig | undefined {
  if (operand === undefined) return undefined;
  const [environment, ...others] = new Set(environments);
  if (environment === undefined || others.length > 0)
    throw usageError("--kubeconfig: expected one environment to be named, whose cluster it leads to");
  const { data, file } = readOperand(operand);
  // What is no file, such as a pipe, has no folder.
  const isNamed = file !== null && operand !== "-" && !/^\/(?:dev|proc\/self)\/fd\//.test(operand);
  return { environment, text: data.toString(), file: isNamed ? resolve(operand) : undefined };
}

/**
 * `RELEASE:REST`, where a colon that belongs to a key has a backslash before it; without it, the
 * release that --release names is meant.
 */
function releaseOf(
  text: string,
  named: string | undefined,
): { readonly release: string | undefined; readonly rest: string } {
  const [, release = named, rest = text] = /^([a-z\d][a-z\d.-]*(?:\/[a-z\d][a-z\d.-]*)?):(.*)$/s.exec(text) ?? [];
  return { release, rest };
}

/** Each in a layer of its own, which is called by what it sets. */
const givenBy = (flag: "--set" | "--set-string", texts: readonly string[], named: string | undefined): GivenValues[] =>
  texts.map((whole) => {
    try {
      const { release, rest } = releaseOf(whole, named);
      const map = valuesOfSet(rest, { asText: flag === "--set-string" });
      const whose = release === undefined ? "" : `${release}:`;
      return { title: `${flag} ${whose}${keysOf(map).join(", ")}`, text: JSON.stringify(map), release };
    } catch (error) {
      if (isVaultError(error) && error.code === "INVALID_SETTINGS") throw usageError(`${flag}: ${error.message}`);
      throw error;
    }
  });

/** In the order in which Helm has them: files, then single values, then texts. */
function givenValues({ values = [], set = [], setString = [], release: named }: ProjectOptions): GivenValues[] {
  const files = values.map((name) => {
    // A file of that very name is meant.
    const { release, rest: file } = existsSync(name) ? { release: named, rest: name } : releaseOf(name, named);
    assertOwnFile(file);
    const { data: bytes } = readOperand(file);
    const digest = hash("sha256", bytes, "hex").slice(0, 12);
    const whose = release === undefined ? "" : `${release}:`;
    return { title: `--values ${whose}${basename(file)} (SHA-256 ${digest}…)`, text: bytes.toString(), release };
  });
  return [...files, ...givenBy("--set", set, named), ...givenBy("--set-string", setString, named)];
}

/** A commit can put a link in the place of a file of values: what it leads to would be shown. */
function assertOwnFile(file: string): void {
  if (file === "-" || !leadsOutOfWorkTree(openRepository(process.cwd()), file)) return;
  const message = `--values: ${printable(file)} is a symbolic link that leads out of the work tree`;
  throw new DeployError("UNTRUSTED_SOURCE", message, { hint: "name the file that it leads to" });
}

/**
 * Opens the project as {@link openProject} does, and tells on stderr of changes in the work tree
 * that are not committed: the one who made them may take them for what is looked at.
 */
export async function openCommitted(options: ProjectOptions, opening: Opening = {}): Promise<Project> {
  const project = await openProject(options, opening);
  const changed = options.quiet ? [] : project.uncommitted();
  const [first] = changed;
  if (first === undefined) return project;
  const what = changed.length === 1 ? "a change that is" : `${changed.length} changes that are`;
  const others = changed.length === 1 ? "" : ", …";
  say(`vault: warning: the work tree has ${what} not committed, and so not looked at: ${printable(first)}${others}`);
  return project;
}

/** Tells what --without-secrets leaves out, each once. */
export function sayLeftOut(paths: readonly string[]): void {
  for (const path of new Set(paths)) say(`vault: left out, since no key here opens it: ${printable(path)}`);
}

/** What a run that was interrupted is at, where nothing more is known. */
export const STOPPING = "still stopping what was begun";

/** What a run that was interrupted is still at. */
export interface CleanUp {
  /** A sentence for the one who tells it again. */
  doing: string;
}

/**
 * Runs `job` so that Ctrl-C and a request to end are told it once: it stops the programs that it
 * started, waits for them, and cleans up. Told again while it does, it goes on, and a line says
 * what it is at. In CI, what the job throws is shown as an annotation.
 *
 * @throws what the job throws; for INTERRUPTED, after SIGTERM, CliError TERMINATED
 */
export async function interruptible<T>(job: (signal: AbortSignal, cleanUp: CleanUp) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const { signal: told } = controller;
  const cleanUp: CleanUp = { doing: STOPPING };
  const stop = (signal: NodeJS.Signals): void => {
    if (told.aborted) say(`vault: ${printable(cleanUp.doing)}`);
    else controller.abort(new DOMException(signal, "AbortError"));
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    return await job(told, cleanUp);
  } catch (error) {
    annotateError(error);
    const isEnd = isVaultError(error) && error.code === "INTERRUPTED" && endOf(told) === "TERMINATED";
    throw isEnd ? new CliError("TERMINATED", error.message, { hint: error.hint, cause: error }) : error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** How a run ended whose signal is aborted: the code for its exit. */
export const endOf = ({ reason }: AbortSignal): "INTERRUPTED" | "TERMINATED" =>
  reason instanceof DOMException && reason.message === "SIGTERM" ? "TERMINATED" : "INTERRUPTED";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
