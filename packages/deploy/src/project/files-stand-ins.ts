import { standInFor } from "../charts/encrypted-files.ts";
import type { FileStandIns } from "../files/tree.ts";
import { StandIns } from "../secrets/stand-ins.ts";

/** Stand-ins for what encrypted files hold, to be read in place of it. */
export function standInsForFiles(): FileStandIns {
  const blind = StandIns.blind();
  return {
    scalar: (path, value) => {
      if (typeof value === "string") return blind.ofSource(path).text(value);
      return typeof value === "number" ? blind.ofSource(path).number(value) : value;
    },
    content: (path, content) => standInFor(path, content, blind.ofSource(path)),
  };
}
