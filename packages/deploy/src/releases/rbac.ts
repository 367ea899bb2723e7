/*
 * The least rights with which everything works, as manifests:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
import type { Cluster } from "../cluster/cluster.ts";
import { isHook, type Manifest, readManifests, runsAfter } from "../helm/manifests.ts";
import type { Release } from "../project/environment.ts";
import type { Project } from "../project/project.ts";
import { redactDifferences } from "../secrets/taint.ts";
import { remember } from "../remember.ts";
import { placeObjects } from "../workloads/placed-object.ts";
import { at, textAt } from "../values/value.ts";
import { redactDeployed } from "./deployed-secrets.ts";
import { otherOfRevision, otherRendering, redactRendered } from "./rehearsal.ts";
import { joinRights, LEASES, OBJECT_VERBS, type Right, rightsToDeploy, rightsToTell } from "./rights.ts";

/** Who is to have rights. */
export interface RbacSubject {
  readonly kind: "User" | "Group" | "ServiceAccount";
  readonly name: string;
  /** Of a service account. */
  readonly namespace?: string;
}

/** What an environment needs, and what is not known of it. */
export interface NeededRights {
  readonly rights: readonly Right[];
  /** Kinds that neither the cluster nor the charts know, and those that depend on a secret. */
  readonly unknown: readonly string[];
}

export interface RightsOptions {
  /** Leaves out what is encrypted where there is no key. */
  readonly withoutSecrets?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a user needs to plan, deploy, go back and look at an environment as its charts are now, and
 * as what runs was. What a chart made of a secret, such as the name of a namespace, is left out.
 *
 * @throws DeployError what rendering a release throws, and what reading from the cluster throws
 */
export async function neededRights(
  project: Project,
  cluster: Cluster,
  options: RightsOptions = {},
): Promise<NeededRights> {
  const all = await Promise.all(
    cluster.environment.releases.map((release) => rightsOf(project, cluster, release, options)),
  );
  return {
    rights: joinRights(all.flatMap(({ rights }) => rights)),
    unknown: [...new Set(all.flatMap(({ unknown }) => unknown))],
  };
}

async function rightsOf(
  project: Project,
  cluster: Cluster,
  release: Release,
  { withoutSecrets = false, signal }: RightsOptions,
): Promise<NeededRights> {
  const rendered = await release.render({ withoutSecrets, ...(signal === undefined ? {} : { signal }) });
  const last = (await cluster.revisions(release, signal)).at(-1);
  const record = last === undefined ? null : await cluster.releases.record(release, last.number, signal);
  const deployed = record === null ? [] : readManifests(record.manifest);
  const hasSecrets = !withoutSecrets && project.secrets === "real";
  const other = hasSecrets ? await otherRendering(project, release, signal) : rendered;
  redactDifferences(cluster.redactor, rendered, other);
  if (record !== null && last !== undefined && hasSecrets) {
    await redactDeployed(cluster, release, [last], signal);
    const those = await otherOfRevision(project, cluster, release, last.number, signal);
    redactRendered(cluster, record, those);
  }
  const isTold = (text: string): boolean => other !== null && cluster.tidy(text) === text;
  const manifests = [...rendered, ...deployed];
  const placed = await placeObjects(cluster, manifests, release.namespace, signal);
  const known = new Set(placed.map(({ manifest }) => manifest));
  const lacking = manifests.filter((manifest) => manifest.name !== "" && !known.has(manifest));
  const ofOwnKinds = lacking.map((manifest) => ({ manifest, brought: kindBroughtBy(rendered, manifest, release) }));
  const [hooks, objects] = [true, false].map((is) => placed.filter(({ manifest }) => isHook(manifest) === is));
  const waits = rendered.some(runsAfter);
  const unknown = ofOwnKinds
    .filter(({ brought }) => brought.length === 0)
    .map(({ manifest: { apiVersion, kind } }) => `${kind} of ${apiVersion}`);
  const rights = joinRights([
    ...rightsToDeploy(release, objects ?? [], hooks ?? [], waits),
    ...ofOwnKinds.flatMap(({ brought }) => brought.filter(({ group, resource }) => [group, resource].every(isTold))),
    ...rightsToTell(release),
  ]);
  const isPlain = ({ namespace }: Right): boolean =>
    namespace === null || namespace === release.namespace || namespace === LEASES || isTold(namespace);
  return {
    rights: rights.filter(isPlain),
    unknown: unknown.map((kind) => (other === null ? "[secret]" : cluster.tidy(kind))),
  };
}

/** The kind of an object, where a chart brings it by a CustomResourceDefinition. */
function kindBroughtBy(
  rendered: readonly Manifest[],
  { apiVersion, kind, namespace }: Manifest,
  release: Release,
): Right[] {
  const [group = ""] = apiVersion.split("/");
  const definition = rendered.find(
    ({ kind: one, object }) =>
      one === "CustomResourceDefinition" &&
      textAt(object, "spec", "group") === group &&
      textAt(object, "spec", "names", "kind") === kind,
  );
  if (definition === undefined) return [];
  const isNamespaced = at(definition.object, "spec", "scope") !== "Cluster";
  const resource = textAt(definition.object, "spec", "names", "plural");
  const place = isNamespaced ? (namespace ?? release.namespace) : null;
  return [{ namespace: place, group, resource, verbs: OBJECT_VERBS }];
}

/** Rights as roles, and bindings of them where a subject is given: objects of Kubernetes. */
export function rbacManifests(rights: readonly Right[], name: string, subject: RbacSubject | null): object[] {
  const places = new Map<string | null, Right[]>();
  for (const right of rights) remember(places, right.namespace, () => []).push(right);
  return [...places].flatMap(([namespace, own]) => {
    const scope = namespace === null ? "Cluster" : "";
    const metadata = namespace === null ? { name } : { name, namespace };
    const apiVersion = "rbac.authorization.k8s.io/v1";
    const role = { apiVersion, kind: `${scope}Role`, metadata, rules: rulesOf(own) };
    if (subject === null) return [role];
    const group = subject.kind === "ServiceAccount" ? {} : { apiGroup: "rbac.authorization.k8s.io" };
    return [
      role,
      {
        apiVersion,
        kind: `${scope}RoleBinding`,
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: `${scope}Role`, name },
        subjects: [{ ...subject, ...group }],
      },
    ];
  });
}

/** Objects of Kubernetes as YAML, for `kubectl apply -f -`. */
export async function rbacText(manifests: readonly object[]): Promise<string> {
  const { stringify } = await import("yaml");
  return manifests.map((manifest) => `---\n${stringify(manifest)}`).join("");
}

/** One rule for all kinds of a group that the same is done with. */
function rulesOf(rights: readonly Right[]): object[] {
  const rules = new Map<string, { readonly right: Right; readonly resources: string[] }>();
  for (const right of rights) {
    const key = JSON.stringify([right.group, right.verbs, right.names]);
    remember(rules, key, () => ({ right, resources: [] })).resources.push(right.resource);
  }
  return [...rules.values()].map(({ right, resources }) => ruleOf(right, resources));
}

const ruleOf = ({ group, verbs, names }: Right, resources: readonly string[]): object => ({
  apiGroups: [group],
  resources,
  ...(names === undefined ? {} : { resourceNames: names }),
  verbs,
});
