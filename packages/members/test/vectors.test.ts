import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSignature } from "@git-vault/keys";
import { temporaryFolder } from "@git-vault/testkit";
import { describe, expect, test } from "vitest";
import { encodeDraft, fold, MembersError, parseEntry, readLog, type LogFile } from "../src/index.ts";
import { peerVerifies, sshKeygen } from "./peer.ts";
import { plainMembership, type Vector } from "./vector.ts";

const folder = join(dirname(fileURLToPath(import.meta.url)), "vectors");
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), "utf8"));
const VECTORS = readdirSync(folder)
  .filter((name) => name !== "refused.json")
  .map((name) => [name.replace(".json", ""), read(name) as Vector] as const);
const REFUSED = read("refused.json") as { entry: string; refused: { title: string; text: string }[] };

const BEGIN = "-----BEGIN SSH SIGNATURE-----";
/** What is signed, as one finds it without reading anything else. */
const signedPart = (text: string): string => text.slice(0, text.indexOf(BEGIN));
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const filesOf = ({ entries }: Vector): LogFile[] =>
  entries.map((text) => ({ name: sha256(signedPart(text)), bytes: Buffer.from(text) }));

describe.each(VECTORS)("%s", (_, vector) => {
  test("each entry is read, under the SHA-256 of what is signed, and written as it was", () => {
    for (const text of vector.entries) {
      const entry = parseEntry(Buffer.from(text));
      expect(entry.id).toBe(sha256(signedPart(text)));
      expect(`${encodeDraft(entry).toString()}${entry.signature}`).toBe(text);
    }
  });

  test.each(vector.cases)("$title", async ({ options, expected }) => {
    for (const files of [filesOf(vector), filesOf(vector).toReversed()]) {
      expect(plainMembership(fold(await readLog(files), options))).toEqual(expected);
      expect(plainMembership(fold(await readLog([...files, ...files]), options))).toEqual(expected);
    }
  });

  test("what is not verified again, and what is read for one root, says the same", async () => {
    const held = new Set<string>();
    await readLog(filesOf(vector), { held });
    for (const { options, expected } of vector.cases) {
      const known = await readLog(filesOf(vector), { held });
      expect(plainMembership(fold(known, options))).toEqual(expected);
      const root = expected.root ?? undefined;
      const { members, verdicts } = plainMembership(
        fold(await readLog(filesOf(vector), { root }), { ...options, root }),
      );
      expect({ members, verdicts }).toEqual({ members: expected.members, verdicts: expected.verdicts });
    }
  });

  test.skipIf(sshKeygen.missing)(`${sshKeygen.label} accepts the signatures that we do, and no others`, async () => {
    using place = temporaryFolder();
    const { forged } = await readLog(filesOf(vector));
    for (const text of vector.entries) {
      const { id, author, signature } = parseEntry(Buffer.from(text));
      const { type, blob, fingerprint } = readSignature(signature).publicKey;
      const line = `${type} ${blob.toString("base64")}`;
      const accepts = await peerVerifies(place.path, line, Buffer.from(signedPart(text)), signature);
      expect(accepts && fingerprint === author).toBe(!forged.has(id));
    }
  });
});

test.each(REFUSED.refused)("$title is refused", ({ text }) => {
  expect(parseEntry(Buffer.from(REFUSED.entry)).action.kind).toBe("add");
  expect(text).not.toBe(REFUSED.entry);
  expect(() => parseEntry(Buffer.from(text))).toThrow(MembersError);
});
