// Stands in for the command, as git's filter: node filter.mjs
import { openRepository, runFilter } from "@git-vault/git-crypt";
import { generationsBy } from "@git-vault/sharing/verdict";

const say = (error, path = "") => process.stderr.write(`${path} ${error.message}\n`);
const repository = openRepository(process.cwd(), { generations: generationsBy(() => {}) });
runFilter(repository, 0, 1, { keyName: "default", onError: say, onSealed: say });
