import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openRepository } from "@git-vault/git-crypt";
import { throwawayRepository } from "@git-vault/testkit";
import { expect, test } from "vitest";
import { takeKubeconfig } from "../src/project/given-kubeconfig.ts";

/* A kubeconfig of the caller's own: `--kubeconfig`. */

const base64 = (text: string): string => Buffer.from(text).toString("base64");

const KUBECONFIG = {
  "current-context": "prod",
  contexts: [
    { name: "minikube", context: { cluster: "minikube", user: "minikube" } },
    { name: "prod", context: { cluster: "prod", user: "me" } },
  ],
  clusters: [
    { name: "minikube", cluster: { "certificate-authority": "gone.crt" } },
    { name: "prod", cluster: { "certificate-authority": "ca.crt" } },
  ],
  users: [
    { name: "minikube", user: { "client-key": "gone.key" } },
    {
      name: "me",
      user: {
        "client-certificate": "gone.crt",
        "client-certificate-data": base64("held"),
        tokenFile: "token",
        token: "old",
      },
    },
  ],
};

test("only the files of the current context are read, and what it holds counts as for kubectl", async () => {
  using repository = await throwawayRepository();
  const file = join(repository.folder, "kubeconfig");
  writeFileSync(join(repository.folder, "ca.crt"), "authority");
  writeFileSync(join(repository.folder, "token"), "new\n");
  const given = { environment: "prod", text: JSON.stringify(KUBECONFIG), file };
  const { text } = takeKubeconfig(given, openRepository(repository.path));
  expect(JSON.parse(text)).toMatchObject({
    clusters: [KUBECONFIG.clusters[0], { cluster: { "certificate-authority-data": base64("authority") } }],
    users: [KUBECONFIG.users[0], { user: { "client-certificate-data": base64("held"), token: "new" } }],
  });
  expect(text).not.toContain("tokenFile");
  const stale = { ...given, text: JSON.stringify({ ...KUBECONFIG, "current-context": "minikube" }) };
  expect(() => takeKubeconfig(stale, openRepository(repository.path))).toThrow(/cannot be read: .*gone\.crt/);
});

test("one that lies in any work tree of the repository is refused", async () => {
  using repository = await throwawayRepository();
  repository.write("file", "content");
  await repository.commit("first");
  const linked = join(repository.folder, "linked");
  await repository.git("worktree", "add", "-q", linked);
  for (const [folder, from] of [
    [repository.path, repository.path],
    [linked, repository.path],
    [repository.path, linked],
  ] as const) {
    const file = join(folder, "kubeconfig");
    writeFileSync(file, "{}");
    const take = (): unknown => takeKubeconfig({ environment: "prod", text: "{}", file }, openRepository(from));
    expect(take).toThrow(expect.objectContaining({ code: "UNTRUSTED_SOURCE" }));
  }
});
