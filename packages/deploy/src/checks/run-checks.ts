import { dependencies } from "./dependencies.ts";
import { deprecatedApi } from "./deprecated-api.ts";
import { drift } from "./drift.ts";
import { authentic, encrypted } from "./ciphertext.ts";
import { boundary } from "./boundary.ts";
import { expiry } from "./expiry.ts";
import { exposed } from "./exposed.ts";
import { imagePinned } from "./image-pinned.ts";
import { layers } from "./layers.ts";
import { nodeSelector } from "./node-selector.ts";
import { overrides } from "./overrides.ts";
import { render } from "./render.ts";
import { isJudgedHere, schema } from "./schema.ts";
import { sharedSecret } from "./shared-secret.ts";
import { strictYaml } from "./strict-yaml.ts";
import { tls } from "./tls.ts";
import { unknownKey } from "./unknown-key.ts";
import { weakSecret } from "./weak-secret.ts";
import type { Environment } from "../project/environment.ts";
import { controllerWith, giveTurn } from "../parallel.ts";
import { endRendering, found, startRendering } from "./reading.ts";
import type { Check, CheckContext } from "./check.ts";
import type { Finding } from "../findings/finding.ts";
import type { Project } from "../project/project.ts";
import { SETTINGS_FILE, type Silence } from "../project/settings.ts";
import { type OnSkip, Skips } from "./skips.ts";
import { orElse } from "../errors.ts";
import { readYamlFile } from "../values/layer.ts";
import type { Yaml } from "../values/yaml.ts";

/** How checks are run. */
export interface CheckOptions {
  /** All of {@link CHECKS} where left out. Add your own: `[...CHECKS, mine]`. */
  readonly checks?: readonly Check[];
  /** All of the project's where left out. */
  readonly environments?: readonly Environment[];
  /** Whether all commits are searched, and not the project's alone. */
  readonly history?: boolean;
  /**
   * Whether repositories of charts that the commit names may be asked over the network; not where
   * left out, since anyone who can commit chooses them.
   */
  readonly online?: boolean;
  /** What certificates and tokens are measured by; the time of the run where left out. */
  readonly now?: Date;
  readonly signal?: AbortSignal;
  /** Is told of what could not be checked, and why. */
  readonly onSkip?: OnSkip;
}

/** The checks that come with the package. The ids of what they find are the keys of `RULES`. */
export const CHECKS: readonly Check[] = [
  layers,
  strictYaml,
  encrypted,
  authentic,
  boundary,
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
 * @throws DeployError INTERRUPTED; GitCryptError where git fails; what a check of yours throws
 */
export async function* runChecks(project: Project, options: CheckOptions = {}): AsyncGenerator<Finding> {
  const { checks = CHECKS, environments = project.environments, onSkip } = options;
  const skips = new Skips(onSkip);
  const end = controllerWith(options.signal);
  const context: CheckContext = {
    project,
    environments,
    releases: environments.flatMap(({ releases }) => releases),
    history: options.history ?? false,
    online: options.online ?? false,
    now: options.now ?? new Date(),
    signal: end.signal,
    skip: (reason, part) => skips.add(reason, part),
    skipRelease: (release, reason) => skips.addRelease(release, reason),
  };
  const used = new Set<Silence>();
  const given = new Set<string>();
  // Helm is busy for a while: it begins at once, and has its turn before each check.
  if (checks.includes(render)) startRendering(context, checks.includes(schema) ? isJudgedHere : undefined);
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
    skips.isEmpty &&
    CHECKS.every((check) => checks.includes(check)) &&
    project.environments.every((environment) => environments.includes(environment));
  if (isComplete) yield* unusedSilences(project, used);
}

const fits = ({ check, file, environment }: Silence, finding: Finding): boolean =>
  check === finding.id &&
  (file === undefined || file === finding.file) &&
  (environment === undefined || environment === finding.environment);

/** Tells of silences that silenced nothing, though everything ran. */
export function unusedSilences(project: Project, used: ReadonlySet<Silence>): Finding[] {
  return project.silence
    .filter((silence) => !used.has(silence))
    .map((silence) =>
      found("silence", "warning", `nothing is silenced here: ${silence.check} finds nothing of the kind`, {
        ...placeOf(project, silence),
        hint: "take it out, or correct the check's id, the file or the environment",
      }),
    );
}

/** Where a silence stands in the settings, as far as they come from the file. */
function placeOf(project: Project, silence: Silence): Pick<Finding, "file" | "line"> {
  if (project.file(SETTINGS_FILE) === undefined) return {};
  const entry = listOf(project)[project.silence.indexOf(silence)];
  return { file: SETTINGS_FILE, ...(entry === undefined ? {} : { line: entry.position.line }) };
}

function listOf(project: Project): readonly Yaml[] {
  const source = { find: (path: string) => project.file(path), read: project.read.bind(project) };
  const [document] = orElse<readonly Yaml[]>([], () => readYamlFile(source, SETTINGS_FILE).documents);
  const list = document?.kind === "map" ? document.entries.get("silence")?.value : undefined;
  return list?.kind === "list" ? list.items : [];
}
