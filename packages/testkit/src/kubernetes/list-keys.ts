/** How a list of Kubernetes is merged. A list that has no such rule is replaced as a whole. */
export interface ListRule {
  /**
   * By which property items are told apart in a strategic merge patch; undefined where the items
   * are plain values, a set.
   */
  readonly merge: string | undefined;
  /** By which properties together server-side apply tells them apart. */
  readonly keys: readonly string[];
}

const by = (merge: string, ...more: readonly string[]): ListRule => ({ merge, keys: [merge, ...more] });
const SET: ListRule = { merge: undefined, keys: [] };

/**
 * By the end of the path of the list, the API's own rules (`patchMergeKey` and `listMapKey` of its
 * types).
 */
const RULES: readonly (readonly [path: RegExp, rule: ListRule])[] = [
  [/(^|\.)(containers|initContainers|ephemeralContainers)$/, by("name")],
  [/ontainers\.ports$/, by("containerPort", "protocol")],
  [/ontainers\.env$/, by("name")],
  [/ontainers\.volumeMounts$/, by("mountPath")],
  [/ontainers\.volumeDevices$/, by("devicePath")],
  [/^Service\.spec\.ports$/, by("port", "protocol")],
  [/(^|\.)spec\.volumes$/, by("name")],
  [/(^|\.)imagePullSecrets$/, by("name")],
  [/(^|\.)spec\.hostAliases$/, by("ip")],
  [/(^|\.)spec\.topologySpreadConstraints$/, by("topologyKey", "whenUnsatisfiable")],
  [/^ServiceAccount\.secrets$/, by("name")],
  [/^Node\.spec\.taints$/, { merge: "key", keys: ["key", "effect"] }],
  [/(^|\.)status\.conditions$/, by("type")],
  [/(^|\.)status\.addresses$/, by("type")],
  [/(^|\.)metadata\.ownerReferences$/, by("uid")],
  [/(^|\.)metadata\.finalizers$/, SET],
  [/WebhookConfiguration\.webhooks$/, by("name")],
];

/**
 * The rule of the list at a path such as `["spec", "containers"]` of a kind; undefined where it is
 * replaced as a whole.
 */
export function listRule(kind: string, path: readonly string[]): ListRule | undefined {
  const whole = [kind, ...path].join(".");
  return RULES.find(([pattern]) => pattern.test(whole))?.[1];
}

/** What a key has where an item leaves it out. */
export const KEY_DEFAULTS: Readonly<Record<string, string>> = { protocol: "TCP" };
