import { openRepository } from "@git-vault/git-crypt";
import { throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { assertDemands } from "../src/project/demands.ts";

test.each([
  ["origin/main", "refs/remotes/origin/main"],
  ["stable", "refs/heads/stable"],
])("a tag by the name of the branch %s is no branch", async (branch, reference) => {
  using made = await throwawayRepository();
  const demands = { branches: [branch], members: null };
  const commit = async (name: string): Promise<string> => {
    made.write(name, `${name}\n`);
    await made.commit(name);
    return (await made.git("rev-parse", "HEAD")).toString().trim();
  };
  const merged = await commit("merged");
  await made.git("update-ref", reference, merged);
  const pushed = await commit("pushed");
  await made.git("tag", branch, pushed);
  const repository = openRepository(made.path, { env: made.env });
  await expect(assertDemands(repository, merged, demands)).resolves.toBeUndefined();
  await expect(assertDemands(repository, pushed, demands)).rejects.toMatchObject({ code: "UNTRUSTED_COMMIT" });
});
