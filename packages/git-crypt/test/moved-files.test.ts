import { describe, expect, test } from "vitest";
import { checkStaged, lock, status } from "../src/index.ts";
import { sealed, type Sealed } from "./sealed.ts";

/* Files that one commit moves out of protected paths, renames and edits. */

const SECRET = Array.from({ length: 20 }, (_, at) => `setting-${at}: value ${at * 7919}\n`).join("");
const EDITED = `${SECRET.replace("setting-3", "setting-three")}one-more: 1\n`;
const OTHER = Array.from({ length: 20 }, (_, at) => `another-${at}: text ${at * 104_729}\n`).join("");

const PROTECTS = "secrets/** filter=git-crypt -text\n";

async function world(): Promise<Sealed> {
  const source = await sealed({ "open.txt": "open\n" });
  const { repo } = source;
  repo.write(".gitattributes", PROTECTS);
  repo.write("secrets/config.yaml", SECRET);
  repo.write("secrets/kept.yaml", "kept\n");
  repo.write("plain/config.yaml", "a twin\n");
  await repo.commit("Files");
  return source;
}

const exposed = (file: string): object => ({ id: "exposed", file });

describe("plaintext of a file that left its path in the same commit", () => {
  test("is found by its content where the key is here, staged and committed", async () => {
    using source = await world();
    const { repo, opened } = source;
    await repo.git("rm", "-q", "secrets/config.yaml");
    repo.write("other/renamed.txt", EDITED);
    repo.write("other/unrelated.txt", OTHER);
    repo.write("other/short.txt", "setting-3: value 23757\n");
    await repo.git("add", "other");
    expect(checkStaged(opened)).toMatchObject([exposed("other/renamed.txt")]);
    await repo.git("commit", "-q", "--no-verify", "-m", "Move");
    expect(status(opened).findings).toMatchObject([exposed("other/renamed.txt")]);
    expect(checkStaged(opened)).toEqual([]);
    repo.write(".gitattributes", `${PROTECTS}other/renamed.txt git-vault=unprotected\n`);
    expect(status(opened).findings).toEqual([]);
  });

  test("is found by its name alone where the key is not here, and by nothing else", async () => {
    using source = await world();
    const { repo, opened } = source;
    lock(opened);
    await repo.git("rm", "-q", "secrets/config.yaml", "secrets/kept.yaml");
    repo.write("other/renamed.txt", EDITED);
    repo.write("kept.yaml/readme", "no file of that name");
    await repo.git("add", "--all");
    // What ciphertext is made of, nothing tells.
    expect(checkStaged(opened)).toEqual([]);
    repo.write("other/config.yaml", OTHER);
    await repo.git("add", "--all");
    expect(checkStaged(opened)).toMatchObject([exposed("other/config.yaml")]);
    await repo.git("commit", "-q", "--no-verify", "-m", "Move");
    expect(status(opened).findings).toMatchObject([exposed("other/config.yaml")]);
  });

  test.each(["a", "z"])("is found whatever else of the same name left along, such as in %s", async (folder) => {
    using source = await world();
    const { repo, opened } = source;
    repo.write(`${folder}/config.yaml`, "plain\n");
    await repo.commit("A twin");
    await repo.git("rm", "-q", "secrets/config.yaml", `${folder}/config.yaml`);
    repo.write("other/config.yaml", "edited beyond recognition\n");
    await repo.git("add", "other");
    expect(checkStaged(opened)).toMatchObject([exposed("other/config.yaml")]);
  });

  test("and a file that is large or of other content is none", async () => {
    using source = await world();
    const { repo, opened } = source;
    await repo.git("rm", "-q", "secrets/config.yaml");
    repo.write("unrelated.txt", OTHER);
    repo.write("large.txt", Buffer.alloc(2 * 1024 * 1024, SECRET));
    repo.write("longer.txt", `${SECRET}${OTHER}${OTHER}`);
    repo.write("empty", "");
    await repo.git("add", "--all");
    expect(checkStaged(opened)).toEqual([]);
  });
});
