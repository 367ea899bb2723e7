import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runOk, throwawayRepository } from "../src/index.ts";

test("a throwaway repository commits as its own user, on main, and goes away", async () => {
  let path: string;
  {
    using repository = await throwawayRepository();
    ({ path } = repository);
    const file = repository.write("folder/secret.txt", "hello\n");
    const commit = await repository.commit("Add a secret");
    expect(readFileSync(file, "utf8")).toBe("hello\n");
    expect((await repository.git("cat-file", "blob", `${commit}:folder/secret.txt`)).toString()).toBe("hello\n");
    const log = await repository.git("log", "--format=%an <%ae> %D%n%s");
    expect(log.toString()).toBe("Test <test@example.com> HEAD -> main\nAdd a secret\n");
  }
  expect(existsSync(path)).toBe(false);
});

test("a throwaway repository sees no configuration but its own", async () => {
  using repository = await throwawayRepository();
  const origins = (await repository.git("config", "--list", "--show-origin", "--name-only")).toString();
  const files = new Set(Array.from(origins.matchAll(/^file:(.*)\t/gm), ([, file]) => file));
  expect(files).toEqual(new Set([join(repository.folder, "home/.gitconfig"), ".git/config"]));
  const home = await runOk("sh", ["-c", 'echo "$HOME"'], { env: repository.env });
  expect(home.toString().trim()).toBe(join(repository.folder, "home"));
});

test("git that fails in a throwaway repository says why", async () => {
  using repository = await throwawayRepository();
  await expect(repository.git("rev-parse", "--verify", "nothing")).rejects.toThrow(/Needed a single revision/);
});
