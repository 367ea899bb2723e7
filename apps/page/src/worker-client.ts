import type { Job, Report } from "./jobs.ts";
import { TEXTS } from "./texts.ts";

/** What the user sees of a job that could not be done. */
export class JobError extends Error {}

// Browsers without Trusted Types take the address as it is.
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

let address: string | undefined;

/** The worker runs the very script of the page, whose text a Blob holds. */
function scriptAddress(): string {
  if (address !== undefined) return address;
  const url = URL.createObjectURL(new Blob([ownScript], { type: "text/javascript" }));
  const { trustedTypes }: Window & { trustedTypes?: TrustedTypes } = window;
  const policy = trustedTypes?.createPolicy("git-vault-worker", {
    createScriptURL: (given) => {
      if (given !== url) throw new TypeError("only the page's own script runs");
      return given;
    },
  });
  return (address = policy?.createScriptURL(url) ?? url);
}

// It is there only while the script is read.
const ownScript = typeof document === "undefined" ? "" : (document.currentScript?.textContent ?? "");

/**
 * Has a worker do a job. Throws JobError; what `signal` was aborted with.
 *
 * @param progress called with a number from 0 to 1
 */
export function runJob(job: Job, signal: AbortSignal, progress: (done: number) => void = () => {}): Promise<Blob> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(scriptAddress());
    const end = (settle: () => void): void => {
      worker.terminate();
      signal.removeEventListener("abort", stop);
      settle();
    };
    const stop = (): void => end(() => reject(signal.reason));
    signal.addEventListener("abort", stop);
    worker.addEventListener("message", ({ data }: MessageEvent<Report>) => {
      if (data.kind === "progress") progress(data.done);
      else if (data.kind === "done") end(() => resolve(data.result));
      else end(() => reject(new JobError(data.message)));
    });
    worker.addEventListener("error", () => end(() => reject(new JobError(TEXTS.failed))));
    worker.postMessage(job, job.source instanceof Blob ? [] : [job.source.buffer]);
  });
}
