import { DeployError } from "../errors.ts";

/** Whether a run was told to end. */
export const isInterrupted = (error: unknown): error is DeployError =>
  error instanceof DeployError && error.code === "INTERRUPTED";

/**
 * Does a job. Where it is told to end, the error tells what is so then, and not what the job was
 * at.
 */
export async function tellingState<T>(job: () => Promise<T>, state: () => string): Promise<T> {
  try {
    return await job();
  } catch (error) {
    if (!isInterrupted(error)) throw error;
    throw new DeployError("INTERRUPTED", `interrupted; ${state()}`, { cause: error });
  }
}

export const NOTHING_CHANGED = "nothing was changed";
