import type { ServerResponse } from "node:http";
import { Refusal } from "./failures.ts";

/** Sends JSON. */
export function sendJson(
  response: ServerResponse,
  code: number,
  content: unknown,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify(content);
  response.writeHead(code, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** Sends a refusal as its `Status`; anything else that was thrown as the 500 that it is. */
export function sendFailure(response: ServerResponse, error: unknown): void {
  const refusal = error instanceof Refusal ? error : new Refusal(500, "InternalError", String(error));
  if (response.headersSent) response.destroy();
  else sendJson(response, refusal.code, refusal.status, refusal.headers);
}
