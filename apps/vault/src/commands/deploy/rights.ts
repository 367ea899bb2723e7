import { Cluster } from "@git-vault/deploy";
import { neededRights, rbacManifests, rbacText, type RbacSubject } from "@git-vault/deploy/releases";
import { interruptible, openToRead } from "./project.ts";
import { usageError } from "../../errors.ts";
import type { Run } from "../../cli/command.ts";
import { printable } from "@git-vault/core";
import { printableText, say, writeJson, writeLong } from "../../io/streams.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy rights"]> = (options, [name]) => {
  const subject = options.subject === undefined ? null : subjectIn(options.subject);
  return interruptible(async (signal) => {
    await using project = await openToRead(options, { environments: [name], needsHelm: true, signal });
    await using cluster = await Cluster.connect(project, project.environment(name), { signal });
    const { rights, unknown } = await neededRights(project, cluster, { withoutSecrets: !project.hasKey, signal });
    for (const kind of unknown)
      say(`vault: the cluster does not know the kind ${printable(kind)}: no right to it is listed`);
    const manifests = rbacManifests(rights, `git-vault-${name}`, subject);
    if (options.json) return writeJson({ manifests, unknown });
    writeLong(printableText(await rbacText(manifests)));
  });
};

const KINDS: Readonly<Record<string, RbacSubject["kind"]>> = {
  user: "User",
  group: "Group",
  serviceaccount: "ServiceAccount",
};

function subjectIn(text: string): RbacSubject {
  const [, word = "", name = ""] = /^([a-z]+):(.+)$/s.exec(text) ?? [];
  const kind = KINDS[word];
  const [, namespace, account] = /^([^/]+)\/([^/]+)$/.exec(name) ?? [];
  if (kind === "ServiceAccount" && namespace !== undefined && account !== undefined)
    return { kind, name: account, namespace };
  if (kind === undefined || kind === "ServiceAccount")
    throw usageError("--subject: expected user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME");
  return { kind, name };
}
