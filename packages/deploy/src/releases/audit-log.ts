import { appendFileSync } from "node:fs";
import { userInfo } from "node:os";
import { DeployError } from "../errors.ts";
import type { DeployEvent } from "./events.ts";

/**
 * A file to which every event is appended as one line of JSON, with the time and who ran it. It is
 * never shortened or written over, each line is written at once, and no line holds a value or a
 * secret.
 */
export class AuditLog {
  readonly #path: string;
  readonly #run: string;

  /**
   * @param run tells the lines of one run from others; such as a number of a CI system, or the time
   * where left out
   */
  constructor(path: string, run: string = new Date().toISOString()) {
    this.#path = path;
    this.#run = run;
  }

  /** @throws DeployError AUDIT_FAILED */
  write(event: DeployEvent): void {
    const line = { time: new Date().toISOString(), run: this.#run, user: userName(), ...event };
    try {
      appendFileSync(this.#path, `${JSON.stringify(line)}\n`, { mode: 0o600, flag: "a" });
    } catch (cause) {
      throw new DeployError("AUDIT_FAILED", "the audit log cannot be written", {
        hint: "check its path and permissions; nothing is deployed that is not recorded",
        cause,
      });
    }
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown";
  }
}
