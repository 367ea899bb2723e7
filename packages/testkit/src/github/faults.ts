import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { sendApi, sendRateLimited } from "./answers.ts";
import type { GitHubFault, GitHubSite } from "./state.ts";

const PAGE =
  "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to continue</h1></body></html>\n";

const fits = ({ on }: GitHubFault, path: string): boolean =>
  on === undefined || (typeof on === "string" ? on === path : on.test(path));

function takeFault(faults: GitHubFault[], path: string): GitHubFault | undefined {
  const fault = faults.find((candidate) => fits(candidate, path));
  if (fault?.times !== undefined && --fault.times <= 0) faults.splice(faults.indexOf(fault), 1);
  return fault;
}

const endlessly = (response: ServerResponse): void => {
  const chunk = Buffer.alloc(64 * 1024, " ");
  const pump = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", pump);
  pump();
};

/**
 * Applies the first fault that fits; false where there is none, or where the usual answer still
 * follows.
 */
export async function injectFault(
  site: GitHubSite,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const fault = takeFault(site.faults, url.pathname);
  if (fault === undefined) return false;
  switch (fault.fault) {
    case "delay":
      await sleep(fault.milliseconds, undefined, { ref: false });
      return false;
    case "rate-limit":
      site.rate.remaining = 0;
      if (fault.resetIn !== undefined) site.rate.reset = Math.floor(Date.now() / 1000) + fault.resetIn;
      sendRateLimited(site, request, response, fault.status ?? 403);
      break;
    case "secondary-limit":
      sendApi(
        site,
        request,
        response,
        fault.status ?? 403,
        {
          message:
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID 0000:0000:0:0:0.",
          documentation_url:
            "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits",
          status: String(fault.status ?? 403),
        },
        fault.retryAfter === null ? {} : { "retry-after": String(fault.retryAfter ?? 60) },
      );
      break;
    case "drop":
      if (fault.when === "after-headers") {
        response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": 1000 });
        // The head must be on the wire before the cut.
        await new Promise((resolve) => response.write('[{"id":1,', resolve));
      }
      response.socket?.destroy();
      break;
    case "oversized":
      response.writeHead(200, {
        "content-type": "application/json; charset=utf-8",
        ...(fault.chunked === true ? {} : { "content-length": fault.bytes }),
      });
      response.end(Buffer.alloc(fault.bytes, " "));
      break;
    case "endless":
      response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
      endlessly(response);
      break;
    case "stall":
      response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
      response.write("[");
      break;
    case "broken-json":
      response
        .writeHead(200, { "content-type": "application/json; charset=utf-8" })
        .end('[{"id":1,"key":"ssh-ed25519 AAAA');
      break;
    case "html":
      response.writeHead(fault.status ?? 200, { "content-type": "text/html; charset=utf-8" }).end(PAGE);
      break;
    case "redirect":
      response.writeHead(fault.status ?? 302, { location: fault.location }).end();
      break;
    case "answer":
      response.writeHead(fault.status, fault.headers).end(fault.body ?? "");
      break;
  }
  return true;
}
