// Stands in for the command, as git's filter: node filter.mjs
import { openRepository, runAttributesFilter, runFilter } from "@git-vault/git-crypt";
import { generationsBy } from "@git-vault/sharing/verdict";

const say = (error, path = "") => process.stderr.write(`${path} ${error.message}\n`);
const repository = openRepository(process.cwd(), { generations: generationsBy(() => {}) });
if (process.argv[2] === "attributes")
  runAttributesFilter(repository, 0, 1, { filterCommand: "false", mergeCommand: "false", onError: say });
else runFilter(repository, 0, 1, { keyName: "default", onError: say, onSealed: say });
