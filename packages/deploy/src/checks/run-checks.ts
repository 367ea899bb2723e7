import { authentic } from "./authentic.ts";
import { dependencies } from "./dependencies.ts";
import { deprecatedApi } from "./deprecated-api.ts";
import { drift } from "./drift.ts";
import { encrypted } from "./ciphertext.ts";
import { expiry } from "./expiry.ts";
import { exposed } from "./exposed.ts";
import { imagePinned } from "./image-pinned.ts";
import { layers } from "./layers.ts";
import { nodeSelector } from "./node-selector.ts";
import { overrides } from "./overrides.ts";
import { render } from "./render.ts";
import { schema } from "./schema.ts";
import { sharedSecret } from "./shared-secret.ts";
import { unusedSilences } from "./silence.ts";
import { strictYaml } from "./strict-yaml.ts";
import { tls } from "./tls.ts";
import { unknownKey } from "./unknown-key.ts";
import { weakSecret } from "./weak-secret.ts";
import type { Environment } from "../project/environment.ts";
import { giveTurn, sharedSignal } from "../parallel.ts";
import { endRendering, startRendering } from "./reading.ts";
import type { Check, CheckContext, Finding } from "../findings/finding.ts";
import type { Project } from "../project/project.ts";
import type { Silence } from "../project/settings.ts";

/** How checks are run. */
export interface CheckOptions {
  /** All of {@link CHECKS} where left out. Add your own: `[...CHECKS, mine]`. */
  readonly checks?: readonly Check[];
  /** All of the project's where left out. */
  readonly environments?: readonly Environment[];
  /** Whether all commits are searched, and not the project's alone. */
  readonly history?: boolean;
  /** What certificates and tokens are measured by; the time of the run where left out. */
  readonly now?: Date;
  readonly signal?: AbortSignal;
  /** Is told of what could not be checked, and why. */
  readonly onSkip?: (reason: string) => void;
}

/** The checks that come with the package. The ids of what they find are the keys of `RULES`. */
export const CHECKS: readonly Check[] = [
  layers,
  strictYaml,
  encrypted,
  authentic,
  exposed,
  sharedSecret,
  weakSecret,
  unknownKey,
  overrides,
  schema,
  drift,
  dependencies,
  render,
  imagePinned,
  deprecatedApi,
  tls,
  nodeSelector,
  expiry,
];

/**
 * Runs checks one after the other, and gives what they find, but for what the project silences. The
 * same finding is given once.
 *
 * At the end it tells of silences that silenced nothing, where every check ran, for all
 * environments, and passed nothing over.
 *
 * @throws DeployError INTERRUPTED; what a check of yours throws
 */
export async function* runChecks(project: Project, options: CheckOptions = {}): AsyncGenerator<Finding> {
  const { checks = CHECKS, environments = project.environments, onSkip } = options;
  const skipped = new Set<string>();
  const end = new AbortController();
  const context: CheckContext = {
    project,
    environments,
    releases: environments.flatMap(({ releases }) => releases),
    history: options.history ?? false,
    now: options.now ?? new Date(),
    signal: sharedSignal(options.signal === undefined ? end.signal : AbortSignal.any([options.signal, end.signal])),
    skip: (reason) => {
      if (skipped.has(reason)) return;
      skipped.add(reason);
      onSkip?.(reason);
    },
  };
  const used = new Set<Silence>();
  const given = new Set<string>();
  // Helm is busy for a while: it begins at once, and has its turn before each check.
  if (checks.includes(render)) startRendering(context);
  try {
    for (const check of checks) {
      await giveTurn(context.signal);
      for await (const finding of check(context)) {
        const silences = project.silence.filter((silence) => fits(silence, finding));
        for (const silence of silences) used.add(silence);
        const { id, message, file, line, column, environment, release } = finding;
        const key = JSON.stringify([id, message, file, line, column, environment, release]);
        if (silences.length > 0 || given.has(key)) continue;
        given.add(key);
        yield finding;
      }
    }
  } catch (error) {
    // Ctrl-C on a terminal ends git, too, and what it was at fails before anybody heard of the
    // signal.
    await giveTurn(context.signal);
    throw error;
  } finally {
    // Where the caller takes no more findings, or a check fails, nothing is left running.
    end.abort();
    await endRendering(context);
  }
  const isComplete =
    skipped.size === 0 &&
    CHECKS.every((check) => checks.includes(check)) &&
    project.environments.every((environment) => environments.includes(environment));
  if (isComplete) yield* unusedSilences(project, used);
}

const fits = ({ check, file, environment }: Silence, finding: Finding): boolean =>
  check === finding.id &&
  (file === undefined || file === finding.file) &&
  (environment === undefined || environment === finding.environment);
