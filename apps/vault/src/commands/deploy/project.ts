import { hash } from "node:crypto";
import { basename } from "node:path";
import { Project } from "@git-vault/deploy";
import { isOfPullRequest } from "@git-vault/deploy/ci";
import { type GivenValues, keysOf, valuesOfSet } from "@git-vault/deploy/values";
import { isVaultError, printable, secretVariables } from "@git-vault/core";
import { annotateError, guardOutput, maskSecrets } from "./ci.ts";
import { CliError, usageError } from "../../errors.ts";
import { openKey } from "../repository/git-crypt-key.ts";
import { readOperand } from "../../io/input.ts";
import { privateKeys } from "../message/private-keys.ts";
import type { Options } from "../../cli/command.ts";
import type { DialogOptions } from "../../cli/flags.ts";
import { say } from "../../io/streams.ts";
import type { PROJECT_FLAGS, VALUES_FLAGS } from "./specs.ts";

/** Which commit of the project is read, and with which key. */
export type ProjectOptions = DialogOptions & Partial<Options<typeof PROJECT_FLAGS & typeof VALUES_FLAGS>>;

/** Of those commands that only tell what a commit would do: whether it gets the secrets. */
export type ReadingOptions = ProjectOptions & { readonly secrets?: "real" | "stand-ins" | undefined };

/**
 * Opens the project as {@link openCommitted} does, for a command that tells what a commit would do:
 * one that a pull request in CI brings gets no secrets unless the caller says so.
 */
export const openToRead = (options: ReadingOptions): Promise<Project> =>
  openCommitted(options, options.secrets ?? (isOfPullRequest() ? "stand-ins" : "real"));

/**
 * Opens the project of the repository that the run stands in, with the key that the flags name. In
 * CI, whatever is secret in it is masked from here on.
 */
export async function openProject(options: ProjectOptions, secrets: "real" | "stand-ins" = "real"): Promise<Project> {
  guardOutput();
  const { keyFile, revision, helmTimeout } = options;
  const given = givenValues(options);
  const bytes = keyFile === undefined ? undefined : (await openKey(readOperand(keyFile), options)).key;
  const { keyFiles, passphrase } = await privateKeys(options);
  try {
    const project = await Project.open({
      root: process.cwd(),
      ...(revision === undefined ? {} : { revision }),
      helmSeconds: helmTimeout,
      given,
      secrets,
      key: { bytes, identities: keyFiles, passphrase },
    });
    maskSecrets(project);
    return project;
  } finally {
    bytes?.fill(0);
    // It was read, and no program that is started, by whatever, is to find it.
    for (const name of secretVariables(Object.keys(process.env), true)) delete process.env[name];
  }
}

/** Each in a layer of its own, which is called by what it sets. */
const givenBy = (flag: "--set" | "--set-string", texts: readonly string[]): GivenValues[] =>
  texts.map((text) => {
    try {
      const map = valuesOfSet(text, { asText: flag === "--set-string" });
      return { title: `${flag} ${keysOf(map).join(", ")}`, text: JSON.stringify(map) };
    } catch (error) {
      if (isVaultError(error) && error.code === "INVALID_SETTINGS") throw usageError(`${flag}: ${error.message}`);
      throw error;
    }
  });

/** In the order in which Helm has them: files, then single values, then texts. */
function givenValues({ values = [], set = [], setString = [] }: ProjectOptions): GivenValues[] {
  const files = values.map((file) => {
    const { data: bytes } = readOperand(file);
    const digest = hash("sha256", bytes, "hex").slice(0, 12);
    return { title: `--values ${basename(file)} (SHA-256 ${digest}…)`, text: bytes.toString() };
  });
  return [...files, ...givenBy("--set", set), ...givenBy("--set-string", setString)];
}

/**
 * Opens the project as {@link openProject} does, and tells on stderr of changes in the work tree
 * that are not committed: whoever made them may take them for what is looked at.
 */
export async function openCommitted(options: ProjectOptions, secrets: "real" | "stand-ins" = "real"): Promise<Project> {
  const project = await openProject(options, secrets);
  const changed = options.quiet ? [] : project.uncommitted();
  const [first] = changed;
  if (first === undefined) return project;
  const what = changed.length === 1 ? "a change that is" : `${changed.length} changes that are`;
  const others = changed.length === 1 ? "" : ", …";
  say(`vault: warning: the work tree has ${what} not committed, and so not looked at: ${printable(first)}${others}`);
  return project;
}

/** What a run that was told to end is at, where nothing more is known. */
export const STOPPING = "still stopping what was begun";

/** What a run that was told to end is still at. */
export interface CleanUp {
  /** A sentence for whoever tells it again. */
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
