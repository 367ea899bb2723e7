import { throwawayRepository } from "@git-vault/testkit";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { encryptBlob, generateKeyFile, openRepository, Revision } from "../src/index.ts";

describe("a revision", () => {
  test("has the files of its commit, with their modes, attributes and states, whatever came later", async () => {
    using source = await throwawayRepository();
    const key = generateKeyFile();
    const blob = encryptBlob(key, Buffer.from("secret"));
    source.write(".gitattributes", "secrets/** filter=git-crypt\nother/** filter=git-crypt-other\n");
    source.write("secrets/a", blob);
    source.write("secrets/clear", "in the clear");
    source.write("other/b", blob);
    source.write("stray", blob);
    source.write("run.sh", "#!/bin/sh\n");
    await source.git("config", "filter.git-crypt.clean", "cat");
    await source.git("add", "--all");
    await source.git("update-index", "--chmod=+x", "run.sh");
    const link = execFileSync("git", ["hash-object", "-w", "--stdin"], { cwd: source.path, input: "run.sh" })
      .toString()
      .trim();
    await source.git("update-index", "--add", "--cacheinfo", `120000,${link},link`);
    await source.git("commit", "--quiet", "--message", "one");
    const commit = (await source.git("rev-parse", "HEAD")).toString().trim();

    const revision = Revision.open(openRepository(source.path, { env: source.env }), "HEAD");
    source.write(".gitattributes", "");
    await source.commit("two");
    expect(revision.commit).toBe(commit);
    const seen = revision.files.map((file) => [
      file.path,
      file.mode,
      revision.keyNameOf(file),
      revision.isEncrypted(file),
    ]);
    expect(seen).toEqual([
      [".gitattributes", "100644", null, false],
      ["link", "120000", null, false],
      ["other/b", "100644", "other", true],
      ["run.sh", "100755", null, false],
      ["secrets/a", "100644", "default", true],
      ["secrets/clear", "100644", "default", false],
      ["stray", "100644", null, true],
    ]);
    // One blob under three names is read once and given for each.
    const read = [...revision.read(revision.files)].map(([{ path }, stored]) => [path, stored.equals(blob)] as const);
    expect(read.filter(([, same]) => same).map(([path]) => path)).toEqual(["other/b", "secrets/a", "stray"]);
    expect(read).toHaveLength(7);
  });

  test("is read in a bare repository, also where names are no text", async () => {
    using source = await throwawayRepository();
    writeFileSync(Buffer.concat([Buffer.from(join(source.path, "caf")), Buffer.from([0xe9])]), "x");
    source.write("tab\tname é", "y");
    await source.commit("names");
    const bare = join(source.folder, "bare.git");
    await source.git("clone", "--quiet", "--bare", source.path, bare);
    const revision = Revision.open(openRepository(bare, { env: source.env }), "main");
    expect(revision.files.map(({ path, bytes }) => [path, bytes])).toEqual([
      [String.raw`caf\xe9`, 1],
      ["tab\tname é", 1],
    ]);
    expect(revision.files.map((file) => revision.keyNameOf(file))).toEqual([null, null]);
    for (const name of ["nowhere", "--all", "HEAD^{tree}x"])
      expect(() => Revision.open(openRepository(bare, { env: source.env }), name)).toThrow(
        expect.objectContaining({ code: "NO_SUCH_REVISION" }),
      );
  });
});
