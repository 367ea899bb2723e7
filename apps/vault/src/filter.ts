/*
 * The filter as git runs it: the words were looked at already. It is bundled into a file of its
 * own, so whatever it imports is loaded each time that git adds or checks out a protected file.
 */
import { reportError } from "./cli/report-error.ts";
import { serveFilter } from "./commands/repository/serve-filter.ts";
import { endIfIdle } from "./io/end.ts";

const words = process.argv.slice(3);
const action = words.find((word) => word === "clean" || word === "smudge");
const keyName = words.find((word) => word.startsWith("--key-name="))?.slice("--key-name=".length);

try {
  serveFilter(action, keyName);
} catch (error) {
  process.exitCode = reportError(error, "filter", []);
}
endIfIdle();
