import { errorAt } from "../errors.ts";
import type { Environment } from "../project/environment.ts";
import { formatPath, textsIn } from "../values/value.ts";

/** What chartpress leaves in values.yaml, for who deploys to replace by the tag of an image. */
const PLACEHOLDER = /^(?:[\w.]+-)?set[-.]by[-.]chartpress$/;

/**
 * Asserts that no value still stands in for one that CI was to set.
 *
 * @throws DeployError UNSET_VALUE
 */
export function assertAllSet({ name, releases }: Environment): void {
  for (const release of releases)
    for (const { path, value, setting } of release.values().leaves())
      for (const { path: inner, text } of textsIn(value)) {
        if (!PLACEHOLDER.test(text)) continue;
        const place = { file: setting.layer.path, ...setting.entry.position };
        const where = formatPath([...path, ...inner]);
        throw errorAt(
          "UNSET_VALUE",
          place,
          `${where} is a placeholder of chartpress, and nothing sets it for ${name}`,
          {
            hint: "give the value that was built, beside the commit",
            remedy: "give-values",
            subject: release.key,
          },
        );
      }
}
