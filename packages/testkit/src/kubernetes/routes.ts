import { answerObjects } from "./answers.ts";
import { type Request, toCall } from "./call.ts";
import {
  AGGREGATED,
  aggregated,
  coreVersions,
  groupList,
  groupOf,
  resourceList,
  takesAggregated,
} from "./discovery.ts";
import { noSuchPath } from "./failures.ts";
import { OPEN_API_V2, openApi, openApiIndex } from "./openapi.ts";
import { answerReview } from "./reviews.ts";
import { sendJson } from "./send.ts";
import { answerSubresource } from "./subresources.ts";

function versionOf(version: string): Record<string, string> {
  const [major = "", minor = ""] = version.replace(/^v/, "").split(".");
  return {
    major,
    minor,
    gitVersion: version,
    gitCommit: "0".repeat(40),
    gitTreeState: "clean",
    buildDate: "2026-01-01T00:00:00Z",
    goVersion: "go1.25.0",
    compiler: "gc",
    platform: "linux/amd64",
  };
}

/** What the cluster says about itself and not about its objects; undefined for any other path. */
function describe({ cluster, url, accept }: Request): unknown {
  const { store, version } = cluster;
  const path = url.pathname.replace(/\/$/, "");
  if (path === "/version") return versionOf(version);
  if (path === "/api") return takesAggregated(accept) ? aggregated(store, true) : coreVersions();
  if (path === "/apis") return takesAggregated(accept) ? aggregated(store, false) : groupList(store);
  if (path === "/openapi/v3") return openApiIndex(store);
  const [, schema = ""] = /^\/openapi\/v3\/apis?\/(.+)$/.exec(path) ?? [];
  if (schema !== "") return openApi(store, schema);
  const [, core] = /^\/api\/([^/]+)$/.exec(path) ?? [];
  if (core !== undefined) return resourceList(store, core);
  const [, group, , groupVersion] = /^\/apis\/([^/]+)(\/([^/]+))?$/.exec(path) ?? [];
  if (group === undefined) return undefined;
  return groupVersion === undefined ? groupOf(store, group) : resourceList(store, `${group}/${groupVersion}`);
}

/** Answers a request that was let in. Throws a Refusal. */
export function answer(request: Request): void {
  const { method, url, response, accept } = request;
  if (/^\/(healthz|livez|readyz)$/.test(url.pathname)) {
    response.end("ok");
    return;
  }
  if (url.pathname === "/openapi/v2") {
    response.writeHead(200, { "content-type": OPEN_API_V2.type }).end(OPEN_API_V2.body);
    return;
  }
  const description = method === "GET" ? describe(request) : undefined;
  if (description !== undefined) {
    const inOnePiece = /^\/apis?\/?$/.test(url.pathname) && takesAggregated(accept);
    return sendJson(response, 200, description, inOnePiece ? { "content-type": AGGREGATED } : {});
  }
  if (!url.pathname.startsWith("/api")) throw noSuchPath();
  const call = toCall(request);
  if (answerReview(call) || answerSubresource(call)) return;
  answerObjects(call);
}
