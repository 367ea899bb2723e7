import { randomBytes } from "node:crypto";
import type { Ed25519PublicKey } from "@git-vault/keys";
import { describe, expect, test } from "vitest";
import { seal, SshRecipient } from "../src/index.ts";
import { montgomeryOfEdwards } from "../src/crypto/montgomery.ts";
import { x25519, x25519PublicKey } from "../src/crypto/x25519.ts";
import { LOW_ORDER_EDWARDS, LOW_ORDER_MONTGOMERY } from "./low-order.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

describe("X25519", () => {
  test("gives the values of RFC 7748 section 6.1", () => {
    const alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    const secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    expect(x25519PublicKey(bob).toString("hex")).toBe(
      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    );
    expect(x25519(alice, x25519PublicKey(bob))?.toString("hex")).toBe(secret);
    expect(x25519(bob, x25519PublicKey(alice))?.toString("hex")).toBe(secret);
  });

  test.each(LOW_ORDER_MONTGOMERY)("gives no secret for the point of low order %s", (point) => {
    expect(x25519(randomBytes(32), hex(point))).toBeNull();
  });
});

describe("an Ed25519 key that is a point of low order", () => {
  test.each(LOW_ORDER_EDWARDS)("has no usable Montgomery form: %s", (point) => {
    expect(x25519(randomBytes(32), montgomeryOfEdwards(hex(point)))).toBeNull();
  });

  test.each(LOW_ORDER_EDWARDS)("is refused as a recipient in both formats: %s", async (point) => {
    const key: Ed25519PublicKey = {
      type: "ssh-ed25519",
      blob: Buffer.concat([hex("0000000b7373682d6564323535313900000020"), hex(point)]),
      fingerprint: "",
      comment: "",
      point: hex(point),
    };
    for (const format of ["age", "ssh-vault"] as const) {
      await expect(seal(Buffer.from("secret"), [new SshRecipient(key)], { format })).rejects.toMatchObject({
        name: "SealingError",
        code: "UNUSABLE_RECIPIENT",
      });
    }
  });
});
