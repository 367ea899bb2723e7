import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makeTemplate, type Template, type World } from "./world.ts";

/*
 * A kubeconfig that takes only commits that a member signed. What is taken goes on to the cluster,
 * which is pinned by nothing here: no word is sent to it.
 */

let template: Template;
let world: World;

beforeAll(async () => void (template = await makeTemplate(["alice", "bob", "dave"], ["carol"])));
afterAll(() => template.close());

const as = (name: string, line: string): Promise<string> => world.as(name, line);
const SIGNED = 'git -c gpg.format=ssh -c user.signingKey="$HOME/.ssh/id_ed25519" commit -q -S';
const TAKEN = /prod is pinned to the cluster whose server is .*, and the kubeconfig leads to /;

/** What planning with alice's key says of a commit; the server is another than the pinned one. */
async function plan(revision = "HEAD"): Promise<string> {
  const { said } = await world.trying("alice", `vault deploy plan prod --revision ${revision}`);
  return TAKEN.test(said) ? "taken" : said;
}

beforeEach(async () => {
  world = template.begin();
  const { root } = JSON.parse(await as("alice", "vault holders --offline --json")) as { root: string };
  const kubeconfig = {
    "current-context": "a",
    contexts: [{ name: "a", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:9" } }],
    users: [{ name: "u", user: { token: "a-token" } }],
    extensions: [{ name: "git-vault", extension: { members: { root, branch: "origin/main" } } }],
  };
  const pin = { uid: "1-2-3", server: "https://203.0.113.7:6443" };
  const environment = { cluster: pin, kubeconfig: "secrets/kube.yaml", layers: ["prod.yaml"] };
  world.write("alice", "app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
  world.write("alice", "deploy.yaml", JSON.stringify({ chart: "app", environments: { prod: environment } }));
  world.write("alice", "prod.yaml", "a: 1\n");
  world.write("alice", "secrets/kube.yaml", JSON.stringify(kubeconfig));
  await as("alice", `git add -A && ${SIGNED} -m deploy && git push -q origin main`);
});

describe("a kubeconfig that demands a member's signature", () => {
  test("takes a commit of a member, and no other", async () => {
    expect(await plan()).toBe("taken");
    expect(await as("alice", "vault deploy check; true")).not.toContain("(boundary)");

    await as("alice", "git commit -q --allow-empty -m unsigned");
    expect(await plan()).toContain("a member signed with an SSH key, and this one is not signed");
    const check = await as("alice", "vault deploy check; true");
    expect(check).toMatch(/^warning: secrets\/kube\.yaml.*is not signed.*\(boundary\) \[prod\]$/m);
    expect(await plan("HEAD~1")).toBe("taken");
  });

  test("takes none of somebody who has a key, and is no member", async () => {
    await world.join("carol");
    await as("carol", `${SIGNED} --allow-empty -m carol && git push -q origin main:pr`);
    await as("alice", "git fetch -q");
    expect(await plan("origin/pr")).toMatch(/is signed with SHA256:\S+, which is no member's key on origin\/main/);
  });

  test("takes none that was changed after it was signed", async () => {
    await as("alice", "echo 'a: 2' > prod.yaml && git add -A && git commit -q -m 'changed'");
    await as(
      "alice",
      "{ git cat-file commit HEAD | sed '/^$/,$d'; git cat-file commit HEAD~1 | sed -n '/^gpgsig/,/END SSH/p'; printf '\\nx\\n'; } > ../c && git reset -q --hard $(git hash-object -t commit -w ../c)",
    );
    expect(await plan()).toContain("has a signature that does not hold");
  });

  test("takes none of who was removed since, from before the removal or on top of it", async () => {
    await as("dave", `git pull -q && ${SIGNED} --allow-empty -m dave && git push -q origin main`);
    await as("alice", "git pull -q");
    expect(await plan()).toBe("taken");
    await as("dave", `${SIGNED} --allow-empty -m later && git push -q origin main:pr`);
    await as("alice", `vault revoke -q dave && ${SIGNED} --amend --no-edit && git push -q origin main && git fetch -q`);
    expect(await plan()).toBe("taken");
    expect(await plan("origin/pr")).toContain("which is no member's key on origin/main");
    // A clone that remembers nothing knows it by the branch.
    await as("alice", "rm -f .git/git-vault/members-*");
    expect(await plan("origin/pr")).toContain("which is no member's key on origin/main");
  });

  test("takes a new member's commit once their entry is on the branch, and those after it alone", async () => {
    await as("alice", "git fetch -q");
    await world.join("carol");
    await as("carol", `${SIGNED} --allow-empty -m early && git push -q origin main:early`);
    await as("alice", `vault grant -q carol && ${SIGNED} --amend --no-edit && git push -q origin main`);
    await as(
      "carol",
      `git pull -q --no-edit --rebase && ${SIGNED} --allow-empty -m late && git push -q origin main:late`,
    );
    await as("alice", "git fetch -q");
    expect(await plan("origin/late")).toBe("taken");
    expect(await plan("origin/early")).toContain("which is no member's key in the commit itself");
  });

  test("takes a merge that a member signed, and none that a page of the forge made", async () => {
    await as("bob", "git pull -q && git switch -q -c pr && git commit -q --allow-empty -m pr && git push -q origin pr");
    await as("alice", "git fetch -q && git merge -q --no-ff --no-edit origin/pr");
    expect(await plan()).toContain("is not signed");
    await as("alice", `${SIGNED} --amend --no-edit`);
    expect(await plan()).toBe("taken");
  });

  test("takes none where the clone lacks the branch, or has another log", async () => {
    await as("alice", "git update-ref -d refs/remotes/origin/main");
    expect(await plan()).toContain("the clone lacks origin/main, whose members log says who may sign");
  });

  test("keeps its demand whatever a commit does: another file takes it up or lets nobody in", async () => {
    const other = `printf '{}' > config.yaml && sed -i 's,secrets/kube.yaml,config.yaml,' deploy.yaml && git add -A`;
    await as("alice", `${other} && git commit -q -m other`);
    expect(await plan()).toContain("config.yaml is stored in plaintext");
  });
});
