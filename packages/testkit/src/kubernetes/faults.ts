import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "./failures.ts";
import { sendFailure } from "./send.ts";
import type { KubernetesFault, KubernetesState } from "./state.ts";

const REASONS: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function takeFault({ faults }: KubernetesState, method: string, path: string): KubernetesFault | undefined {
  const fault = faults.find((candidate) => {
    const { on } = candidate;
    const isHere = on === undefined || (typeof on === "string" ? on === path : on.test(path));
    if (!isHere || (candidate.method ?? method) !== method) return false;
    if ((candidate.skip ?? 0) === 0) return true;
    candidate.skip = (candidate.skip ?? 0) - 1;
    return false;
  });
  if (fault?.times !== undefined && --fault.times <= 0) faults.splice(faults.indexOf(fault), 1);
  return fault;
}

/** Lets the answer be made, and cuts the connection in its place, or in the middle of it. */
function cutAnswer(response: ServerResponse, afterHeaders: boolean): void {
  response.end = (body?: unknown) => {
    const text = typeof body === "string" ? body : "";
    if (afterHeaders) response.write(text.slice(0, text.length / 2) || "{", () => response.socket?.destroy());
    else response.socket?.destroy();
    return response;
  };
}

const BLANKS = Buffer.alloc(1024 * 1024, " ");

function* blanksOf(flood: { sent: number }): Generator<Buffer> {
  for (; ; flood.sent += 1) yield BLANKS;
}

/**
 * What a fault leaves to do: nothing, or the usual answer, the events of a watch late by
 * `watchDelay` milliseconds.
 */
export type Verdict = { readonly answered: true } | { readonly answered: false; readonly watchDelay: number };

/** Applies the first fault that fits a request. */
export async function injectFault(
  state: KubernetesState,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Verdict> {
  const fault = takeFault(state, request.method ?? "", path);
  const goOn = { answered: false, watchDelay: 0 } as const;
  if (fault === undefined) return goOn;
  switch (fault.fault) {
    case "status": {
      const { code, retryAfter } = fault;
      const reason = fault.reason ?? REASONS[code] ?? "Unknown";
      const details = retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter };
      const headers: Record<string, string> = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
      sendFailure(
        response,
        new Refusal(code, reason, fault.message ?? `the server answers ${code} for a test`, details, headers),
      );
      return { answered: true };
    }
    case "delay":
      await sleep(fault.milliseconds, undefined, { ref: false });
      break;
    case "slow-watch":
      return { answered: false, watchDelay: fault.milliseconds };
    case "interfere":
      fault.act();
      break;
    case "stall":
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      return { answered: true };
    case "flood":
      response.writeHead(fault.code, { "content-type": "application/json" });
      // The one who asked goes away.
      await pipeline(blanksOf(fault), response).catch(() => {});
      return { answered: true };
    case "drop":
      if (fault.when === "before") {
        response.socket?.destroy();
        return { answered: true };
      }
      cutAnswer(response, fault.when === "after-headers");
      break;
  }
  return goOn;
}
