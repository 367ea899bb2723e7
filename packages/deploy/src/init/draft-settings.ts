import { openRepository, Revision } from "@git-vault/git-crypt";
import { DeployError, passOn } from "../errors.ts";
import { Tree } from "../files/tree.ts";
import { type Settings, SETTINGS_FILE } from "../project/settings.ts";
import { draftByChart } from "./by-chart.ts";
import { draftClusters } from "./clusters.ts";
import { Draft } from "./draft.ts";
import { draftHelmfile } from "./helmfile.ts";
import { draftHubploy } from "./hubploy.ts";
import { draftNamed } from "./named.ts";
import { draftUsual } from "./usual.ts";

/** The first that fits is taken. */
const SHAPES = [draftHelmfile, draftClusters, draftHubploy, draftUsual, draftNamed, draftByChart];

/** Settings that were found in a repository. */
export interface DraftedSettings {
  readonly settings: Settings;
  /** The text of a `deploy.yaml` with them; what could not be decided stands in comments. */
  readonly text: string;
  /** What was taken, and from where. */
  readonly taken: readonly string[];
  /** What nobody but people can decide. */
  readonly undecided: readonly string[];
  /** The top folder of the work tree; null where there is none. */
  readonly topLevel: string | null;
}

/**
 * Looks at what a commit holds, as its files are named and without a key, and drafts settings for
 * it: of a helmfile, of clusters with lists of hubs, or of `config` and `secrets`. Nothing is run,
 * asked or written.
 *
 * @throws DeployError NO_PROJECT where nothing of it is found; what git-crypt throws, as its cause
 */
export async function draftSettings(
  root: string,
  { revision = "HEAD", env = process.env }: { readonly revision?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<DraftedSettings> {
  try {
    const repository = openRepository(root, { env });
    const draft = new Draft(new Tree(Revision.open(repository, revision), []));
    const isFound = SHAPES.some((draftShape) => draftShape(draft));
    if (!isFound || draft.environments.size === 0) {
      const message =
        "found no helmfile.yaml, no cluster.yaml with hubs, no hubploy.yaml, and no chart with values of environments";
      throw new DeployError("NO_PROJECT", message, { hint: `write ${SETTINGS_FILE} by hand: see docs/deploy.md` });
    }
    draft.askForRest();
    draft.ask(
      "which cluster each environment is deployed to: pin it by its uid (cluster: { uid: … }), which a plan tells",
    );
    const { settings, taken, undecided } = draft;
    return { settings, text: await textOf(settings, undecided), taken, undecided, topLevel: repository.topLevel };
  } catch (error) {
    return passOn(error);
  }
}

async function textOf(settings: Settings, undecided: readonly string[]): Promise<string> {
  const { stringify } = await import("yaml");
  const head = ["To be decided:", ...undecided.map((what) => `- ${what}`)].map((line) => `# ${line}\n`).join("");
  return `${head}${stringify(settings, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 })}`;
}
