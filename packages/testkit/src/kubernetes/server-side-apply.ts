import { Refusal } from "./failures.ts";
import { type FieldPath, fieldsOf, isDisputable, removeAt, spell, toSet, valueAt } from "./field-sets.ts";
import { isObject, type Json, type JsonObject, same } from "./json.ts";
import { KEY_DEFAULTS, listRule } from "./list-keys.ts";
import { ownable, type Ownership, ownershipOf, ownershipsOf, toManagedFields } from "./managed-fields.ts";
import { isKubernetesObject, type KubernetesObject, timestamp } from "./objects.ts";

/** Who applies, and how. */
export interface Applying {
  readonly manager: string;
  /** Takes what others own. */
  readonly force: boolean;
}

function mergeLists(kind: string, names: readonly string[], live: readonly Json[], applied: readonly Json[]): Json[] {
  const rule = listRule(kind, names);
  if (rule === undefined) return [...applied];
  if (rule.keys.length === 0) return [...new Set([...live, ...applied])];
  const key = (item: Json): string =>
    JSON.stringify(rule.keys.map((one) => (isObject(item) ? item[one] : undefined) ?? KEY_DEFAULTS[one] ?? null));
  const merged = [...live];
  for (const item of applied) {
    const index = merged.findIndex((one) => key(one) === key(item));
    if (index >= 0) merged[index] = mergeApplied(kind, names, merged[index], item);
    else merged.push(item);
  }
  return merged;
}

function mergeApplied(kind: string, names: readonly string[], live: Json | undefined, applied: Json): Json {
  if (Array.isArray(applied)) return mergeLists(kind, names, Array.isArray(live) ? live : [], applied);
  if (!isObject(applied)) return applied;
  const merged: JsonObject = isObject(live) ? { ...live } : {};
  for (const [key, value] of Object.entries(applied))
    if (value !== undefined && value !== null) merged[key] = mergeApplied(kind, [...names, key], merged[key], value);
  return merged;
}

const withoutNulls = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, content]) =>
      content === null || content === undefined ? [] : [[key, withoutNulls(content)]],
    ),
  );
};

/** Whether a path, as the key of a set, is another one or lies in it. */
const isWithin = (inner: string, outer: string): boolean =>
  inner === outer || inner.startsWith(`${outer.slice(0, -1)},`);

/** A field that somebody else owns and would keep otherwise. */
interface Dispute {
  readonly owner: Ownership;
  readonly key: string;
  readonly path: FieldPath;
}

const spellOwner = ({ owner }: Dispute): string =>
  `"${owner.manager}"${owner.operation === "Update" ? ` using ${owner.apiVersion}` : ""}`;

function describeDisputes(disputes: readonly Dispute[]): string {
  const [first] = disputes;
  if (disputes.length === 1 && first) return `1 conflict: conflict with ${spellOwner(first)}: ${spell(first.path)}`;
  const owners = [...new Set(disputes.map(spellOwner))].toSorted();
  const lines = owners.flatMap((owner) => {
    const paths = disputes.filter((one) => spellOwner(one) === owner).map(({ path }) => `- ${spell(path)}`);
    return [`conflicts with ${owner}:`].concat(paths);
  });
  return `${disputes.length} conflicts: ${lines.join("\n")}`;
}

const refuse = (disputes: readonly Dispute[]): Refusal =>
  new Refusal(409, "Conflict", `Apply failed with ${describeDisputes(disputes)}`, {
    causes: disputes.map((one) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${spellOwner(one)}`,
      field: spell(one.path),
    })),
  });

/**
 * Server-side apply: what the manager states is set and owned by it, what it stated before and does
 * not any more is removed, unless somebody else owns it too. A field that another manager set to
 * another value is a conflict, refused with 409 unless forced.
 */
export function applyServerSide(
  live: KubernetesObject | undefined,
  stated: KubernetesObject,
  { manager, force }: Applying,
): KubernetesObject {
  const { kind } = stated;
  const cleaned = withoutNulls(stated);
  const applied = isObject(cleaned) ? ownable(cleaned) : {};
  const claims = toSet(fieldsOf(kind, applied).filter((path) => path.length > 0));
  const ownerships = ownershipsOf(live);
  const mine = ownershipOf(ownerships, manager, "Apply", stated.apiVersion);
  const others = ownerships.filter((one) => one !== mine);
  const disputes = others.flatMap((owner) =>
    [...claims]
      .filter(([key, path]) => owner.fields.has(key) && isDisputable(path))
      .filter(([, path]) => !same(valueAt(live, path), valueAt(applied, path)))
      .map(([key, path]): Dispute => ({ owner, key, path })),
  );
  if (disputes.length > 0 && !force) throw refuse(disputes);
  for (const { owner, key } of disputes) owner.fields.delete(key);

  const { status: _status, ...intended } = isObject(cleaned) ? cleaned : {};
  const merged = mergeApplied(kind, [], structuredClone(live), intended);
  // The deepest first, so that an item is removed after what it holds.
  const kept = [claims, ...others.map(({ fields }) => fields)].flatMap((fields) => Array.from(fields.keys()));
  const abandoned = [...mine.fields].filter(([key]) => !kept.some((one) => isWithin(one, key)));
  for (const [, path] of abandoned.toSorted(([, a], [, b]) => b.length - a.length)) removeAt(merged, path);

  const before = JSON.stringify([...mine.fields.keys()].toSorted());
  mine.fields.clear();
  for (const [key, path] of claims) mine.fields.set(key, path);
  const unchanged =
    before === JSON.stringify([...claims.keys()].toSorted()) &&
    same(ownable(live ?? {}), ownable(isObject(merged) ? merged : {}));
  if (!unchanged) mine.time = timestamp();
  if (!isKubernetesObject(merged)) throw new Refusal(400, "BadRequest", "metadata.name is required");
  merged.metadata["managedFields"] = toManagedFields(ownerships);
  return merged;
}
