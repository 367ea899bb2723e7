import { request } from "node:https";
import { text } from "node:stream/consumers";
import type { ControlPlane } from "@git-vault/testkit/control-plane";
import { startKubernetes } from "@git-vault/testkit/kubernetes";
import { expect, test } from "vitest";

/*
 * What the stand-in for a cluster answers is what a real API server answers, in all that Helm and
 * our code read of it: the same requests are sent to both.
 */

interface Question {
  readonly what: string;
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** JSON; made from what was answered before, by what that is called. */
  readonly body?: object | ((answers: ReadonlyMap<string, Answer>) => object);
  readonly type?: string;
  readonly accept?: string;
  readonly as?: "nobody";
}

interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever the API answers
  readonly body: any;
}

interface Server {
  readonly url: string;
  readonly authority: string;
  readonly tokens: Readonly<Record<"admin" | "nobody", string>>;
}

async function ask(
  { url, authority, tokens }: Server,
  question: Question,
  answers: Map<string, Answer>,
): Promise<Answer> {
  const { method = "GET", path, body, type = "application/json", accept = "application/json", as = "admin" } = question;
  const sent = typeof body === "function" ? body(answers) : body;
  const content = sent === undefined ? "" : JSON.stringify(sent);
  const headers = {
    authorization: `Bearer ${tokens[as]}`,
    "content-type": type,
    "content-length": Buffer.byteLength(content),
    accept,
  };
  return new Promise((resolve, reject) => {
    const asked = request(url + path, { method, ca: authority, headers }, (response) => {
      const read = async (): Promise<Answer> => {
        const said = await text(response);
        const isJson = response.headers["content-type"]?.includes("json") === true;
        return { status: response.statusCode ?? 0, body: isJson ? (JSON.parse(said) as unknown) : said };
      };
      read().then(resolve, reject);
    });
    asked.on("error", reject);
    asked.end(content);
  });
}

/** What differs from one server to the next, and is nobody's concern. */
const VARIES = new Set([
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "time",
  "managedFields",
  "selfLink",
  "remainingItemCount",
  "storageVersionHash",
  "conditions",
]);

/** An answer without what varies. */
function essence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(essence);
  if (typeof value === "string") return value.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID");
  if (typeof value !== "object" || value === null) return value;
  // Controllers write what an object's status is, when they come to it.
  const isState = (key: string, inner: unknown): boolean =>
    key === "status" && typeof inner === "object" && "kind" in value && value.kind === "Deployment";
  const entries = Object.entries(value).filter(([key, inner]) => !VARIES.has(key) && !isState(key, inner));
  return Object.fromEntries(entries.map(([key, inner]) => [key, essence(inner)]));
}

const NAMESPACE = "same-answers";
const MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
const SSA = "application/apply-patch+yaml";
const MERGE = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";
const LIST_OF_NAMES = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

const map = (name: string, data: object, labels?: object): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: NAMESPACE, ...(labels === undefined ? {} : { labels }) },
  data,
});
const deployment = (app: string, image: string, replicas = 0): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: { containers: [{ name: "web", image }] } },
  },
});
const review = (verb: string): object => ({
  apiVersion: "authorization.k8s.io/v1",
  kind: "SelfSubjectAccessReview",
  spec: { resourceAttributes: { namespace: NAMESPACE, verb, resource: "secrets" } },
});

/** In this order: each finds what those before it left. */
const QUESTIONS: readonly Question[] = [
  { what: "who has no credential", path: "/api/v1/namespaces/kube-system", as: "nobody" },
  {
    what: "a namespace's uid",
    path: "/api/v1/namespaces/kube-system",
    accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
  },
  { what: "making a namespace", method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: NAMESPACE } } },
  { what: "what is not there", path: `${MAPS}/none` },
  { what: "making it", method: "POST", path: MAPS, body: map("one", { a: "1" }, { app: "web" }) },
  { what: "making it twice", method: "POST", path: MAPS, body: map("one", { a: "1" }) },
  { what: "making it as a rehearsal", method: "POST", path: `${MAPS}?dryRun=All`, body: map("two", { a: "1" }) },
  { what: "that a rehearsal leaves nothing", path: `${MAPS}/two` },
  { what: "a name that is none", method: "POST", path: MAPS, body: map("Not a name", {}) },
  {
    what: "a namespace that is not there",
    method: "POST",
    path: MAPS.replace(NAMESPACE, "none"),
    body: { metadata: { name: "x" } },
  },
  {
    what: "writing over another version",
    method: "PUT",
    path: `${MAPS}/one`,
    body: (answers) => ({
      ...map("one", { a: "2" }),
      metadata: { name: "one", resourceVersion: "1", uid: answers.get("making it")?.body.metadata.uid },
    }),
  },
  {
    what: "a merge patch",
    method: "PATCH",
    type: MERGE,
    path: `${MAPS}/one?fieldManager=hand`,
    body: { data: { b: "2" } },
  },
  { what: "a list by a label", path: `${MAPS}?labelSelector=app%3Dweb` },
  { what: "a list of names alone", path: `${MAPS}?labelSelector=app%3Dweb`, accept: LIST_OF_NAMES },
  {
    what: "applying it",
    method: "PATCH",
    type: SSA,
    path: `${MAPS}/three?fieldManager=helm`,
    body: map("three", { a: "1" }),
  },
  {
    what: "setting a field by hand",
    method: "PATCH",
    type: MERGE,
    path: `${MAPS}/three?fieldManager=hand`,
    body: { data: { a: "2" } },
  },
  {
    what: "a conflict",
    method: "PATCH",
    type: SSA,
    path: `${MAPS}/three?fieldManager=helm&dryRun=All`,
    body: map("three", { a: "1" }),
  },
  {
    what: "forcing it",
    method: "PATCH",
    type: SSA,
    path: `${MAPS}/three?fieldManager=helm&force=true`,
    body: map("three", { a: "1" }),
  },
  {
    what: "making a Deployment",
    method: "POST",
    path: `${DEPLOYMENTS}?fieldManager=helm`,
    body: deployment("web", "web:1"),
  },
  {
    what: "a field that cannot be changed",
    method: "PATCH",
    type: SSA,
    path: `${DEPLOYMENTS}/web?fieldManager=helm&force=true&dryRun=All`,
    body: deployment("other", "web:1"),
  },
  {
    what: "a strategic merge patch",
    method: "PATCH",
    type: STRATEGIC,
    path: `${DEPLOYMENTS}/web?fieldManager=hand`,
    body: { spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } } },
  },
  {
    what: "a conflict in a list",
    method: "PATCH",
    type: SSA,
    path: `${DEPLOYMENTS}/web?fieldManager=other&dryRun=All`,
    body: deployment("web", "web:3"),
  },
  {
    what: "a field that is none",
    method: "POST",
    path: `${DEPLOYMENTS}?fieldValidation=Strict`,
    body: { ...deployment("web", "web:1"), specc: {} },
  },
  {
    what: "a right that is there",
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: review("create"),
  },
  {
    what: "making a lease",
    method: "POST",
    path: LEASES,
    body: {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: "one" },
      spec: { holderIdentity: "me", leaseDurationSeconds: 30, renewTime: "2026-11-30T12:00:00.000000Z" },
    },
  },
  { what: "a kind that is none", path: `/apis/apps/v1/namespaces/${NAMESPACE}/things` },
  { what: "removing another one", method: "DELETE", path: `${MAPS}/three`, body: { preconditions: { uid: "other" } } },
  { what: "removing it", method: "DELETE", path: `${MAPS}/three` },
];

/** The stand-in answers as a real API server. */
export function sameAnswersTests(shared: () => ControlPlane): void {
  test("answers as a real API server does", async () => {
    const plane = shared();
    await using standIn = await startKubernetes();
    standIn.tokens.set("admin", { username: "admin" });
    const tokens = { admin: plane.token, nobody: "none" };
    const real = { url: plane.server, authority: plane.authority.certificate, tokens };
    const other = {
      url: standIn.url,
      authority: standIn.authority.certificate,
      tokens: { admin: "admin", nobody: "none" },
    };
    const answers = [new Map<string, Answer>(), new Map<string, Answer>()] as const;
    for (const question of QUESTIONS) {
      const [truth, ours] = [await ask(real, question, answers[0]), await ask(other, question, answers[1])];
      answers[0].set(question.what, truth);
      answers[1].set(question.what, ours);
      expect.soft(essence(ours), question.what).toEqual(essence(truth));
    }
  });
}
