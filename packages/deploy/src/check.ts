import type { Environment } from "./environment.ts";
import { DeployError } from "./errors.ts";
import type { Check, Finding } from "./finding.ts";
import type { Project } from "./project.ts";

/** How checks are run. */
export interface CheckOptions {
  /** All of {@link CHECKS} where left out. */
  readonly checks?: readonly Check[];
  /** All of the project's where left out. */
  readonly environments?: readonly Environment[];
  readonly signal?: AbortSignal;
  /** Is told of what could not be checked, and why. */
  readonly onSkip?: (reason: string) => void;
}

/** Tells of each layer that cannot be taken: it is missing, empty, too large, no YAML, tampered with, … */
const layers: Check = async function* layersCheck({ environments, skip }) {
  const seen = new Set<string>();
  for (const environment of environments) {
    for (const layer of environment.layers) {
      if (seen.has(layer.path)) continue;
      seen.add(layer.path);
      if (layer.locked) {
        skip(`${layer.path} is encrypted, and there is no key`);
        continue;
      }
      try {
        layer.map();
      } catch (error) {
        if (!(error instanceof DeployError)) throw error;
        yield {
          ...findingOf("layers", error),
          ...(layer.role === "environment" ? { environment: environment.name } : {}),
        };
      }
    }
  }
};

/** The checks that come with the package. */
export const CHECKS: readonly Check[] = [layers];

/** An error as a finding of the check `id`. */
export function findingOf(id: string, { message, place, hint }: DeployError): Finding {
  return { id, severity: "error", message, ...place, hint };
}

/** Runs checks one after the other, and gives what they find, but for what the project silences. */
export async function* runChecks(project: Project, options: CheckOptions = {}): AsyncGenerator<Finding> {
  const { checks = CHECKS, environments = project.environments, onSkip } = options;
  const skipped = new Set<string>();
  const context = {
    project,
    environments,
    signal: options.signal ?? new AbortController().signal,
    skip: (reason: string): void => {
      if (skipped.has(reason)) return;
      skipped.add(reason);
      onSkip?.(reason);
    },
  };
  for (const check of checks)
    for await (const finding of check(context)) if (!isSilenced(project, finding)) yield finding;
}

const isSilenced = ({ silence }: Project, { id, file, environment }: Finding): boolean =>
  silence.some(
    (entry) =>
      entry.check === id &&
      (entry.file === undefined || entry.file === file) &&
      (entry.environment === undefined || entry.environment === environment),
  );
