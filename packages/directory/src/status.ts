import { plural } from "@git-vault/core";
import { DirectoryError } from "./errors.ts";
import type { HttpAnswer } from "./http.ts";

const DAY = 24 * 60 * 60 * 1000;

/** When the server answers again; null where it does not say, or says nothing sensible. */
function resetOf({ headers }: HttpAnswer): Date | null {
  const now = Date.now();
  const after = headers.get("retry-after") ?? "";
  const reset = headers.get("x-ratelimit-reset") ?? "";
  let at = Number.NaN;
  if (/^\d{1,6}$/.test(after)) at = now + Number(after) * 1000;
  else if (after !== "") at = Date.parse(after);
  else if (headers.get("x-ratelimit-remaining") === "0" && /^\d{1,12}$/.test(reset)) at = Number(reset) * 1000;
  return at > now && at - now <= DAY ? new Date(at) : null;
}

function whenReset(reset: Date | null): string {
  if (reset === null) return "";
  const minutes = Math.ceil((reset.getTime() - Date.now()) / 60_000);
  return `; it resets in ${plural(minutes, "minute")}, at ${reset.toTimeString().slice(0, 5)}`;
}

/** Whether the server refuses for too many requests, in GitHub's ways or the general one. */
export function isRateLimited({ status, headers, body }: HttpAnswer): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  if (headers.get("x-ratelimit-remaining") === "0" || headers.get("retry-after") !== null) return true;
  // GitHub's secondary limits may say so in the text alone.
  return /secondary rate limit|abuse detection/i.test(body.toString("latin1"));
}

/** The error for it, with the time when it ends, where the server says so. */
export function rateLimited(answer: HttpAnswer, who: string, hint: string): DirectoryError {
  return new DirectoryError("RATE_LIMITED", `${who}'s rate limit is used up${whenReset(resetOf(answer))}`, { hint });
}

/** The error for a status that no case of its own explains. */
export function unexpectedStatus({ status }: HttpAnswer, who: string): DirectoryError {
  const own = status >= 500;
  const what = own ? ", a failure of its own" : "";
  return new DirectoryError("BAD_ANSWER", `${who} answered with status ${status}${what}`, {
    hint: own ? "try again in a few minutes" : "check the address",
  });
}
