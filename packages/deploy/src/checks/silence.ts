import { DeployError } from "../errors.ts";
import type { Finding } from "../findings/finding.ts";
import { readYamlFile } from "../values/layer.ts";
import type { Project } from "../project/project.ts";
import { SETTINGS_FILE, type Silence } from "../project/settings.ts";
import type { Yaml } from "../values/yaml.ts";
import { found } from "./reading.ts";

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
  try {
    const [document] = readYamlFile(source, SETTINGS_FILE).documents;
    const list = document?.kind === "map" ? document.entries.get("silence")?.value : undefined;
    return list?.kind === "list" ? list.items : [];
  } catch (error) {
    if (error instanceof DeployError) return [];
    throw error;
  }
}
