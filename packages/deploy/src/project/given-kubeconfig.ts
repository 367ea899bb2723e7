/*
 * A kubeconfig of the caller's own. It is theirs, and so is what it names; but a file of the work
 * tree is from anyone who can commit, whatever the caller takes it for.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { liesInWorkTree, type Repository } from "@git-vault/git-crypt";
import { DeployError } from "../errors.ts";
import { readValue } from "../values/read-yaml.ts";
import { isMap, listAt, textAt, type ValueMap } from "../values/value.ts";

/** A kubeconfig that is in no commit. */
export interface GivenKubeconfig {
  /** The environment that it leads to: no other is reached by it. */
  readonly environment: string;
  readonly text: string;
  /**
   * The file that it was read from, in whose folder the names of other files start; left out where
   * it came through a pipe, and names no other files.
   */
  readonly file?: string | undefined;
}

/** What it is called in messages. */
export const titleOf = ({ file }: GivenKubeconfig): string => file ?? "the kubeconfig that was given";

/**
 * Takes a kubeconfig that somebody gave: the files that its current context names are read, so that
 * all is in it.
 *
 * @param repository in none of whose work trees it may lie
 * @throws DeployError UNTRUSTED_SOURCE where it lies in a work tree; INVALID_KUBECONFIG where a
 * file that it names cannot be read; as reading YAML does
 */
export function takeKubeconfig(given: GivenKubeconfig, repository: Repository): GivenKubeconfig {
  const { file, text } = given;
  if (file === undefined) return given;
  if (liesInWorkTree(repository, file))
    throw new DeployError(
      "UNTRUSTED_SOURCE",
      `${file} lies in the work tree, whose files are from anyone who can commit`,
      {
        hint: "put the kubeconfig into a folder outside of the repository",
      },
    );
  const root = readValue(file, text);
  if (!isMap(root)) return given;
  readFilesInto(root, file);
  return { ...given, text: JSON.stringify(root) };
}

/** What names a file, what holds the same, and whether that is base64. */
const NAMING = [
  ["certificate-authority", "certificate-authority-data", "base64"],
  ["client-certificate", "client-certificate-data", "base64"],
  ["client-key", "client-key-data", "base64"],
  ["tokenFile", "token", "utf8"],
] as const;

/** Reads the files that its current context names into it: those of others may be long gone. */
function readFilesInto(root: ValueMap, file: string): void {
  const [context] = entriesOf(root, "contexts", "context", textAt(root, "current-context"));
  for (const map of [
    ...entriesOf(root, "clusters", "cluster", textAt(context, "cluster")),
    ...entriesOf(root, "users", "user", textAt(context, "user")),
  ])
    for (const [name, held, encoding] of NAMING) {
      const path = textAt(map, name);
      if (path === "") continue;
      // As for kubectl, what it holds counts, and not the file; but of tokens the file does.
      if (held === "token" || textAt(map, held) === "")
        map[held] = contentOf(resolve(dirname(file), path), file)
          .toString(encoding)
          .trim();
      delete map[name];
    }
}

/** The maps of a name in one of its lists: more than one is refused when it is read. */
const entriesOf = (root: ValueMap, list: string, kind: string, name: string): ValueMap[] =>
  listAt(root, list).flatMap((entry) => {
    const inner = isMap(entry) && textAt(entry, "name") === name ? entry[kind] : undefined;
    return isMap(inner) ? [inner] : [];
  });

function contentOf(path: string, kubeconfig: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new DeployError("INVALID_KUBECONFIG", `${kubeconfig}: a file that it names cannot be read: ${path}`, {
      hint: "put the file's content into it: kubectl config view --flatten --raw",
      cause,
    });
  }
}
