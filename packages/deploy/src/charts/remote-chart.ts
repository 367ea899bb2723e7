import { type FileSource, plainFile } from "../files/tree.ts";
import { Layer } from "../values/layer.ts";
import type { Chart, Dependency } from "./chart.ts";
import type { Published } from "./published.ts";

/** Gives the files of a chart's archive, once it is known to be what was locked. */
export type ArchiveFiles = (dependency: Dependency, chart: Chart) => ReadonlyMap<string, Buffer>;

/** What `oci://registry/folder/NAME@VERSION` names; null for what is none. */
export function publishedAt(address: string): Published | null {
  const [, repository, name, version] = /^(oci:\/\/.+)\/([^/@]+)@([^@]+)$/.exec(address) ?? [];
  return repository === undefined || name === undefined || version === undefined ? null : { repository, name, version };
}

/**
 * A chart that is deployed as it was published. Its archive lies in the folder `charts` at the top,
 * and nothing of it is read before it is known to be what was locked.
 *
 * @param file the file that names it
 */
export function remoteChart({ name, version, repository }: Published, file: string, filesOf: ArchiveFiles): Chart {
  const position = { line: 1, column: 1 };
  const remote = { name, version, repository, key: name, lockedVersion: undefined, file, position };
  const path = `charts/${name}-${version}`;
  const values = plainFile(`${path}.tgz/values.yaml`, 0);
  const source: Pick<FileSource, "find" | "read" | "hasKey"> = {
    hasKey: false,
    find: () => values,
    read: () => filesOf(remote, chart).get("values.yaml") ?? Buffer.alloc(0),
  };
  const defaults = new Layer(source, values.path, "defaults", null);
  const chart: Chart = { path, name, version, dependencies: [], defaults, schema: undefined, files: [], remote };
  return chart;
}
