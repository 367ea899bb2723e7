import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "vitest";
import { AGENT_LIST_REQUEST, agentSignRequest, readAgentKeys, readAgentSignature } from "../src/index.ts";
import { wireString, wireUint32 } from "../src/wire.ts";
import { expect } from "./matchers.ts";

/*
 * The bytes of draft-ietf-sshm-ssh-agent. Real agents answer in the tests of sharing.
 */

const point = Buffer.from(generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? "", "base64url");
const blob = Buffer.concat(["ssh-ed25519", point].map(wireString));
const list = (...keys: readonly (readonly [Buffer, string])[]): Buffer =>
  Buffer.concat([Buffer.of(12), wireUint32(keys.length), ...keys.flat().map(wireString)]);

describe("the answer to a request for keys", () => {
  test("lists those that can sign, without control characters in their comments", () => {
    const certificate = wireString("ssh-ed25519-cert-v01@openssh.com");
    const keys = readAgentKeys(list([blob, "me\u001B[31m"], [certificate, "other"]));
    expect(keys).toMatchObject([{ type: "ssh-ed25519", blob, comment: "me[31m" }]);
    expect(AGENT_LIST_REQUEST).toEqual(Buffer.of(11));
  });

  test.each([
    ["a refusal", Buffer.of(5), "the SSH agent refused to list its keys"],
    ["nothing", Buffer.alloc(0), "it ends too early"],
    ["another message", Buffer.concat([Buffer.of(14), list([blob, ""]).subarray(1)]), "of number 12, got 14"],
    ["bytes after it", Buffer.concat([list([blob, ""]), Buffer.of(0)]), "1 bytes are left over"],
    ["fewer keys than it says", Buffer.concat([Buffer.of(12), wireUint32(1)]), "it ends too early"],
  ])("that is %s is refused", async (_, answer, message) => {
    await expect(() => readAgentKeys(answer)).toFailWith("BAD_AGENT_ANSWER", message);
  });
});

describe("the answer to a request for a signature", () => {
  const answer = Buffer.concat([Buffer.of(14), wireString("a signature")]);

  test("holds the signature", () => {
    expect(readAgentSignature(answer).toString()).toBe("a signature");
    const key = { type: "ssh-ed25519", blob, fingerprint: "" };
    const request = Buffer.concat([Buffer.of(13), wireString(blob), wireString("data"), wireUint32(4)]);
    expect(agentSignRequest(key, Buffer.from("data"))).toEqual(request);
  });

  test.each([
    ["a refusal", Buffer.of(5), "the SSH agent refused to sign"],
    ["another message", list([blob, ""]), "of number 14, got 12"],
    ["bytes after it", Buffer.concat([answer, Buffer.of(0)]), "1 bytes are left over"],
  ])("that is %s is refused", async (_, bytes, message) => {
    await expect(() => readAgentSignature(bytes)).toFailWith("BAD_AGENT_ANSWER", message);
  });
});
