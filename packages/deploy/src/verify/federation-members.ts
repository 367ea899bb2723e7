import { DeployError } from "../errors.ts";
import type { Project } from "../project/project.ts";
import { readValue } from "../values/read-yaml.ts";
import { isMap } from "../values/value.ts";

/**
 * Where each member of the project's federation tells its versions, by its name: from the encrypted
 * file that the settings name, since addresses to connect to come from holders of the key alone.
 * None where they name no file.
 *
 * @throws DeployError MISSING_FILE, UNTRUSTED_SOURCE, LOCKED, TAMPERED_FILE; INVALID_SETTINGS where
 * the file names no https addresses; as reading YAML does
 */
export function federationOf(
  project: Pick<Project, "federation" | "file" | "readAuthentic">,
): Readonly<Record<string, string>> {
  const path = project.federation;
  if (path === null) return {};
  const [file, place] = [project.file(path), { file: path }];
  if (file === undefined) throw new DeployError("MISSING_FILE", `${path} is not in the commit`, { place });
  const members = readValue(path, project.readAuthentic(file).toString());
  const entries = isMap(members) ? Object.entries(members) : [];
  const addresses = entries.filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && ADDRESS.test(entry[1]),
  );
  if (entries.length > 0 && addresses.length === entries.length) return Object.fromEntries(addresses);
  throw new DeployError("INVALID_SETTINGS", `${path}: expected names of members, each with an https address`, {
    place,
  });
}

const ADDRESS = /^https:\/\/[^/@\s]+(?:\/\S*)?$/;
