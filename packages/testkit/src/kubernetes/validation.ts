import { badRequest, type Flaw, invalid } from "./failures.ts";
import { at, isObject, type Json, listAt, objectAt, same, textAt } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";
import type { Resource } from "./resources.ts";
import { fitsSelector } from "./selectors.ts";

const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const NAME_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** How many bytes a Secret may hold. */
const SECRET_LIMIT = 1024 * 1024;

const required = (field: string): Flaw => ({ reason: "FieldValueRequired", field, message: "Required value" });

const immutable = (field: string, value: Json | undefined): Flaw => ({
  reason: "FieldValueInvalid",
  field,
  message: `Invalid value: ${JSON.stringify(value)}: field is immutable`,
});

function nameFlaws({ group }: Resource, { metadata: { name } }: KubernetesObject): Flaw[] {
  const isPathSegment = group === "rbac.authorization.k8s.io";
  if (isPathSegment ? !/[/%]/.test(name) : SUBDOMAIN.test(name)) return [];
  return [
    {
      reason: "FieldValueInvalid",
      field: "metadata.name",
      message: `Invalid value: ${JSON.stringify(name)}: ${NAME_RULE}`,
    },
  ];
}

function containerFlaws(spec: Json | undefined, field: string): Flaw[] {
  const containers = listAt(spec, "containers");
  if (containers.length === 0) return [required(`${field}.containers`)];
  return containers.flatMap((container, index) =>
    ["name", "image"]
      .filter((key) => textAt(container, key) === "")
      .map((key) => required(`${field}.containers[${index}].${key}`)),
  );
}

function workloadFlaws(object: KubernetesObject, before: KubernetesObject | undefined): Flaw[] {
  const { spec } = object;
  const selector = at(spec, "selector");
  const labels = objectAt(spec, "template", "metadata", "labels");
  const flaws = containerFlaws(at(spec, "template", "spec"), "spec.template.spec");
  if (selector === undefined) flaws.push(required("spec.selector"));
  else if (!fitsSelector(labels, selector))
    flaws.push({
      reason: "FieldValueInvalid",
      field: "spec.template.metadata.labels",
      message: `Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``,
    });
  if (before && !same(at(before["spec"], "selector"), selector)) flaws.push(immutable("spec.selector", selector));
  return flaws;
}

const STATEFUL_SET_MAY_CHANGE: ReadonlySet<string> = new Set([
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
]);

function statefulSetFlaws(object: KubernetesObject, before: KubernetesObject | undefined): Flaw[] {
  const flaws = workloadFlaws(object, before);
  const keys = new Set([...Object.keys(objectAt(object, "spec")), ...Object.keys(objectAt(before, "spec"))]);
  const changed = [...keys].filter(
    (key) => !STATEFUL_SET_MAY_CHANGE.has(key) && !same(at(object, "spec", key), at(before, "spec", key)),
  );
  if (before && changed.length > 0)
    flaws.push({
      reason: "FieldValueForbidden",
      field: "spec",
      message:
        "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    });
  return flaws;
}

function jobFlaws(object: KubernetesObject, before: KubernetesObject | undefined): Flaw[] {
  const template = at(object, "spec", "template");
  return before && !same(at(before, "spec", "template"), template)
    ? [immutable("spec.template", template)]
    : containerFlaws(at(template, "spec"), "spec.template.spec");
}

function dataFlaws(object: KubernetesObject, before: KubernetesObject | undefined): Flaw[] {
  const data = objectAt(object, "data");
  const isSecret = object.kind === "Secret";
  if (isSecret && Object.values(data).some((value) => typeof value !== "string" || !BASE64.test(value)))
    throw badRequest(`Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0`);
  const size = Object.values(data).reduce<number>(
    (sum, value) => sum + Buffer.byteLength(typeof value === "string" ? value : "", isSecret ? "base64" : "utf8"),
    0,
  );
  const flaws: Flaw[] = [];
  if (size > SECRET_LIMIT)
    flaws.push({
      reason: "FieldValueTooLong",
      field: "data",
      message: `Too long: may not be more than ${SECRET_LIMIT} bytes`,
    });
  if (before?.["immutable"] === true && !same(before["data"], object["data"]))
    flaws.push({
      reason: "FieldValueForbidden",
      field: "data",
      message: "Forbidden: field is immutable when `immutable` is set",
    });
  if (isSecret && before && before["type"] !== object["type"]) flaws.push(immutable("type", object["type"]));
  return flaws;
}

const CHECKS: Readonly<Record<string, (object: KubernetesObject, before: KubernetesObject | undefined) => Flaw[]>> = {
  Deployment: workloadFlaws,
  ReplicaSet: workloadFlaws,
  DaemonSet: workloadFlaws,
  StatefulSet: statefulSetFlaws,
  Job: jobFlaws,
  Pod: (object) => containerFlaws(object["spec"], "spec"),
  Secret: dataFlaws,
  ConfigMap: dataFlaws,
  Service: (object) => (isObject(object["spec"]) ? [] : [required("spec.ports")]),
};

/**
 * Refuses what the API refuses: with 422 and every flaw, with 400 where the content cannot be
 * decoded at all.
 */
export function validate(resource: Resource, object: KubernetesObject, before?: KubernetesObject): void {
  const flaws = [
    ...nameFlaws(resource, object),
    ...(resource.custom ? [] : (CHECKS[object.kind]?.(object, before) ?? [])),
  ];
  if (flaws.length > 0) throw invalid(resource, object.metadata.name, flaws);
}

const DATA_FIELDS: Readonly<Record<string, readonly string[]>> = {
  Secret: ["data", "stringData", "type", "immutable"],
  ConfigMap: ["data", "binaryData", "immutable"],
};
const WITH_SPEC = new Set(["apps", "batch", "policy", "networking.k8s.io"]);

/**
 * Refuses a field at the top of an object that its kind does not have, as `fieldValidation=Strict`
 * asks. What lies deeper is not checked.
 */
export function validateFields({ group, version, kind, custom }: Resource, object: KubernetesObject): void {
  const own = DATA_FIELDS[kind] ?? (WITH_SPEC.has(group) ? ["spec", "status"] : undefined);
  if (own === undefined || custom) return;
  const unknown = Object.keys(object).filter((key) => !["apiVersion", "kind", "metadata", ...own].includes(key));
  if (unknown.length > 0)
    throw badRequest(
      `${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${unknown
        .map((key) => `unknown field ${JSON.stringify(key)}`)
        .join(", ")}`,
    );
}
