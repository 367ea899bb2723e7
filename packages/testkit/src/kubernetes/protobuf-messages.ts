/**
 * How a field is read. Scalars that Go writes even where they are not set (`text`, `count`) count
 * as missing where they are empty; those behind a pointer (`flag`, `number`) are taken as they are.
 */
export type FieldType =
  | "text"
  | "texts"
  | "flag"
  | "count"
  | "number"
  | "time"
  | "json"
  | "texts-by-name"
  | "bytes-by-name"
  | { readonly one: Message }
  | { readonly many: Message };

/** The fields of a message by their number. */
export type Message = Readonly<Record<number, readonly [name: string, type: FieldType]>>;

const OWNER: Message = {
  1: ["kind", "text"],
  3: ["name", "text"],
  4: ["uid", "text"],
  5: ["apiVersion", "text"],
  6: ["controller", "flag"],
  7: ["blockOwnerDeletion", "flag"],
};

const MANAGED_FIELDS: Message = {
  1: ["manager", "text"],
  2: ["operation", "text"],
  3: ["apiVersion", "text"],
  4: ["time", "time"],
  6: ["fieldsType", "text"],
  7: ["fieldsV1", "json"],
  8: ["subresource", "text"],
};

const METADATA: Message = {
  1: ["name", "text"],
  2: ["generateName", "text"],
  3: ["namespace", "text"],
  4: ["selfLink", "text"],
  5: ["uid", "text"],
  6: ["resourceVersion", "text"],
  7: ["generation", "count"],
  8: ["creationTimestamp", "time"],
  9: ["deletionTimestamp", "time"],
  10: ["deletionGracePeriodSeconds", "number"],
  11: ["labels", "texts-by-name"],
  12: ["annotations", "texts-by-name"],
  13: ["ownerReferences", { many: OWNER }],
  14: ["finalizers", "texts"],
  17: ["managedFields", { many: MANAGED_FIELDS }],
};

const REFERENCE: Message = {
  1: ["kind", "text"],
  2: ["namespace", "text"],
  3: ["name", "text"],
  4: ["uid", "text"],
  5: ["apiVersion", "text"],
  6: ["resourceVersion", "text"],
  7: ["fieldPath", "text"],
};

const DELETE_OPTIONS: Message = {
  1: ["gracePeriodSeconds", "number"],
  2: ["preconditions", { one: { 1: ["uid", "text"], 2: ["resourceVersion", "text"] } }],
  3: ["orphanDependents", "flag"],
  4: ["propagationPolicy", "text"],
  5: ["dryRun", "texts"],
};

const RULE: Message = {
  1: ["verbs", "texts"],
  2: ["apiGroups", "texts"],
  3: ["resources", "texts"],
  4: ["resourceNames", "texts"],
  5: ["nonResourceURLs", "texts"],
};
const SUBJECT: Message = {
  1: ["kind", "text"],
  2: ["apiGroup", "text"],
  3: ["name", "text"],
  4: ["namespace", "text"],
};
const ROLE_REF: Message = { 1: ["apiGroup", "text"], 2: ["kind", "text"], 3: ["name", "text"] };
const ROLE: Message = { 1: ["metadata", { one: METADATA }], 2: ["rules", { many: RULE }] };
const BINDING: Message = {
  1: ["metadata", { one: METADATA }],
  2: ["subjects", { many: SUBJECT }],
  3: ["roleRef", { one: ROLE_REF }],
};

/**
 * What typed clients send as protobuf, by kind, with the field numbers of Kubernetes'
 * `generated.proto`: what Helm and kubectl write. Workloads are not among them: those two send them
 * as JSON.
 */
export const MESSAGES: Readonly<Record<string, Message>> = {
  Secret: {
    1: ["metadata", { one: METADATA }],
    2: ["data", "bytes-by-name"],
    3: ["type", "text"],
    4: ["stringData", "texts-by-name"],
    5: ["immutable", "flag"],
  },
  ConfigMap: {
    1: ["metadata", { one: METADATA }],
    2: ["data", "texts-by-name"],
    3: ["binaryData", "bytes-by-name"],
    4: ["immutable", "flag"],
  },
  Namespace: {
    1: ["metadata", { one: METADATA }],
    2: ["spec", { one: { 1: ["finalizers", "texts"] } }],
    3: ["status", { one: { 1: ["phase", "text"] } }],
  },
  ServiceAccount: {
    1: ["metadata", { one: METADATA }],
    2: ["secrets", { many: REFERENCE }],
    3: ["imagePullSecrets", { many: { 1: ["name", "text"] } }],
    4: ["automountServiceAccountToken", "flag"],
  },
  Role: ROLE,
  ClusterRole: ROLE,
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
  Eviction: { 1: ["metadata", { one: METADATA }], 2: ["deleteOptions", { one: DELETE_OPTIONS }] },
  DeleteOptions: DELETE_OPTIONS,
  SelfSubjectReview: {
    1: ["metadata", { one: METADATA }],
    2: ["status", { one: { 1: ["userInfo", { one: { 1: ["username", "text"], 2: ["uid", "text"] } }] } }],
  },
  SelfSubjectAccessReview: {
    1: ["metadata", { one: METADATA }],
    2: [
      "spec",
      {
        one: {
          1: [
            "resourceAttributes",
            {
              one: {
                1: ["namespace", "text"],
                2: ["verb", "text"],
                3: ["group", "text"],
                4: ["version", "text"],
                5: ["resource", "text"],
                6: ["subresource", "text"],
                7: ["name", "text"],
              },
            },
          ],
          2: ["nonResourceAttributes", { one: { 1: ["path", "text"], 2: ["verb", "text"] } }],
        },
      },
    ],
    3: [
      "status",
      {
        one: { 1: ["allowed", "count"], 2: ["reason", "text"], 3: ["evaluationError", "text"], 4: ["denied", "count"] },
      },
    ],
  },
};
