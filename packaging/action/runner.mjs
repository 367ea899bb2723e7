// What the runner of GitHub Actions and the action tell each other.
import { appendFileSync } from "node:fs";

/** An input of the action; empty where it is not given. */
export const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();

/** Remembers something for the end of the job. */
export function state(name, value) {
  appendFileSync(process.env.GITHUB_STATE, `${name}=${value}\n`);
}

/** Runs the action's work; where it fails, the step fails with the error as its annotation. */
export async function finish(work) {
  try {
    await work();
  } catch (error) {
    console.log(`::error title=git-vault::${error.message.replaceAll("%", "%25").replaceAll("\n", "%0A")}`);
    process.exitCode = 1;
  }
}
