import { randomUUID } from "node:crypto";
import { type Call, readBody } from "./call.ts";
import { Refusal } from "./failures.ts";
import { type JsonObject, objectAt } from "./json.ts";
import { groupVersion, isReview } from "./resources.ts";
import { sendJson } from "./send.ts";

/**
 * Answers who the user is (`kubectl auth whoami`) and whether it may do something: it may. False
 * where the call asks something else.
 */
export function answerReview(call: Call): boolean {
  const { resource, user, method, response } = call;
  if (!isReview(resource)) return false;
  if (method !== "POST") throw new Refusal(405, "MethodNotAllowed", "a review can be created only");
  const asked = readBody(call);
  const status: JsonObject =
    resource.kind === "SelfSubjectReview"
      ? { userInfo: { username: user.username, groups: [...(user.groups ?? [])] } }
      : { allowed: true };
  sendJson(response, 201, {
    kind: resource.kind,
    apiVersion: groupVersion(resource),
    metadata: { uid: randomUUID() },
    ...(resource.kind === "SelfSubjectReview" ? {} : { spec: objectAt(asked, "spec") }),
    status,
  });
  return true;
}
