import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Redactor } from "../src/secrets/redactor.ts";

const SECRET = "pässword <&> 'with' \"all\"\\/+?=";

function redactorOf(...secrets: string[]): Redactor<string> {
  const redactor = new Redactor<string>();
  for (const secret of secrets) redactor.add(secret, secret);
  return redactor;
}

describe("a redactor", () => {
  test.each([
    ["as it is", SECRET],
    ["in JSON", JSON.stringify(SECRET)],
    ["in Go's JSON", JSON.stringify(SECRET).replace("<", "\\u003c").replace("&", "\\u0026").replace(">", "\\u003e")],
    ["in YAML's single quotes", `'${SECRET.replaceAll("'", "''")}'`],
    ["in a URL", encodeURIComponent(SECRET)],
    ["in JSON of ASCII alone", JSON.stringify(SECRET).replace("ä", "\\u00e4")],
    ["in a URL without reserved characters", encodeURIComponent(SECRET).replaceAll("'", "%27")],
    ["in a query that keeps quotes", encodeURIComponent(SECRET).replaceAll("%20", "+")],
    ["in base64 of JSON that holds it", Buffer.from(JSON.stringify({ password: SECRET })).toString("base64")],
    ["in a form", String(new URLSearchParams({ x: SECRET }))],
    ["in base64", Buffer.from(SECRET).toString("base64")],
    ["in base64 for URLs", Buffer.from(SECRET).toString("base64url")],
    ["in base64 as a part, first", Buffer.from(`${SECRET}, and more`).toString("base64")],
    ["in base64 as a part, after one byte", Buffer.from(`x${SECRET}, and more`).toString("base64")],
    ["in base64 as a part, after two bytes", Buffer.from(`xy${SECRET}, and more`).toString("base64")],
    ["in base64 as a part, after a line", Buffer.from(`config:\n  password: ${SECRET}`).toString("base64")],
  ])("knows a secret %s", (_, text) => {
    const redacted = redactorOf(SECRET).redact(`before ${text} after`);
    expect(redacted).toContain("[secret]");
    expect(redacted).toMatch(/^before .*after$/);
    expect([...redactorOf(SECRET).find(text)].map(({ of }) => of)).toEqual([SECRET]);
  });

  test("knows alone what is a secret wherever it stands, where it is told to", () => {
    const redactor = new Redactor<string>();
    redactor.add("admin-word", "a user's name", { sure: false });
    redactor.add("learnt-later", "a user's name", { sure: false });
    redactor.add("learnt-later", "a password");
    const text = "admin-word, learnt-later";
    expect(new Redactor(redactor).redact(text)).toBe("[secret], [secret]");
    expect(new Redactor(redactor, { sureOnly: true }).redact(text)).toBe("admin-word, [secret]");
    expect(redactor.sure.redact(text)).toBe("admin-word, [secret]");
    expect(redactor.sure).toBe(redactor.sure);
    redactor.add("admin-word", "a password");
    redactor.add("a-new-secret", "a password");
    expect(redactor.sure.redact(`${text}, a-new-secret`)).toBe("[secret], [secret], [secret]");
  });

  test("knows a large number as Go prints it", () => {
    expect(redactorOf("123456789").redact('pin: "1.23456789e+08"')).toBe('pin: "[secret]"');
    expect(redactorOf("1000000").redact("1e+06")).toBe("[secret]");
    expect(redactorOf("-12345678901234").redact("-1.2345678901234e+13")).toBe("[secret]");
  });

  test("knows the lines of a secret that has several", () => {
    const pem = "-----BEGIN KEY-----\nbGluZSBvbmUgb2Yga2V5\nbGluZSB0d28gb2Yga2V5\n-----END KEY-----\n";
    const indented = pem.replaceAll(/^/gm, "    ");
    expect(redactorOf(pem).redact(indented)).not.toContain("bGluZSB");
    expect(redactorOf(pem).redact(`error near bGluZSB0d28gb2Yga2V5`)).toBe("error near [secret]");
  });

  test("knows lines of eight characters, and none of seven", () => {
    expect(redactorOf("a line\n12345678\n1234567\n").redact("12345678, 1234567")).toBe("[secret], 1234567");
    const whole = new Redactor<string>();
    whole.add("a line\n12345678\n", "", { lines: false });
    expect(whole.redact("12345678")).toBe("12345678");
  });

  test("knows a secret without the blanks around it", () => {
    expect(redactorOf(" p4ss\n").redact("p4ss")).toBe("[secret]");
    const base64 = Buffer.from("secret-value").toString("base64");
    expect(redactorOf("secret-value\n").redact(base64)).toBe("[secret]");
  });

  test("knows what another one knows, and teaches it nothing", () => {
    const known = redactorOf("pass-one");
    const copy = new Redactor<string>(known);
    expect(copy.redact("pass-one")).toBe("[secret]");
    copy.add("pass-two", "pass-two");
    expect(copy.redact("pass-one, pass-two")).toBe("[secret], [secret]");
    expect(known.redact("pass-one, pass-two")).toBe("[secret], pass-two");
  });

  test("prefers the longest, and leaves what is short or no secret", () => {
    const redactor = redactorOf("hunter", "hunter2-and-more", "abc", "true");
    expect(redactor.redact("hunter2-and-more, hunter, abc, hunt")).toBe("[secret], [secret], abc, hunt");
    expect(redactorOf().redact("anything")).toBe("anything");
    expect(redactorOf("").redact("anything")).toBe("anything");
  });

  test("knows a secret of four characters, and none of three", () => {
    expect(redactorOf("p4ss").redact("p4ss, p4s")).toBe("[secret], p4s");
    expect(redactorOf("p4s").redact("p4ss, p4s")).toBe("p4ss, p4s");
  });

  test("leaves nothing of a secret in any text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", minLength: 12, maxLength: 40 }),
        fc.string({ unit: "binary", maxLength: 20 }),
        fc.string({ unit: "binary", maxLength: 20 }),
        (secret, before, after) => {
          const redactor = redactorOf(secret);
          expect(redactor.redact(before + secret + after)).not.toContain(secret);
          const encoded = Buffer.from(before + secret + after).toString("base64");
          expect(Buffer.from(redactor.redact(encoded), "base64").toString()).not.toContain(secret);
        },
      ),
    );
  });

  test("hides secrets that overlap as a whole", () => {
    const redactor = redactorOf("first-second", "second-third", "third-fourth-and-more");
    expect(redactor.redact("a first-second-third-fourth-and-more b")).toBe("a [secret] b");
    expect([...redactor.find("first-second-third")].map(({ of }) => of)).toEqual(["first-second", "second-third"]);
  });

  test("finds the longest of many that begin alike, as a search one by one does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom("a", "b"), minLength: 4, maxLength: 12 }), { maxLength: 40 }),
        fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 200 }),
        (secrets, text) => {
          const hidden = new Uint8Array(text.length);
          for (const secret of secrets)
            for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, at + 1))
              hidden.fill(1, at, at + secret.length);
          const one = new Redactor();
          for (const secret of secrets) one.add(secret, secret);
          const left = one.redact(text, (secret) => "*".repeat(secret.length));
          // It knows more forms of the secrets than as they are.
          for (const [at, is] of hidden.entries()) expect([is, left[at] === "*"]).not.toEqual([1, false]);
        },
      ),
    );
  });

  test("takes no longer for many secrets with one prefix", () => {
    const prefix = "https://hooks.example.org/services/T0000000/";
    const redactor = new Redactor();
    for (let at = 0; at < 20_000; at += 1) redactor.add(`${prefix}${at.toString(36).padStart(8, "0")}`, at);
    const text = `${prefix}none `.repeat(20_000) + `${prefix}00000001`;
    expect(redactor.redact(text).endsWith("none [secret]")).toBe(true);
  }, 20_000);
});
