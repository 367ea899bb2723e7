import { badRequest } from "./failures.ts";
import { at, type Json, type JsonObject, listAt, objectAt } from "./json.ts";
import type { KubernetesObject } from "./objects.ts";

type Labels = JsonObject;

/** One requirement of a label selector. */
function meets(labels: Labels, requirement: string): boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(requirement);
  if (set) {
    const [, key = "", operator, values = ""] = set;
    const value = labels[key];
    const listed = typeof value === "string" && values.split(",").some((one) => one.trim() === value);
    return operator === "in" ? listed : !listed;
  }
  const equality = /^(.+?)\s*(!=|==|=)\s*(.*)$/.exec(requirement);
  if (equality) {
    const [, key = "", operator, value] = equality;
    return operator === "!=" ? labels[key] !== value : labels[key] === value;
  }
  return requirement.startsWith("!")
    ? labels[requirement.slice(1).trim()] === undefined
    : labels[requirement] !== undefined;
}

/** Whether labels fit a selector in text: `a=b,c!=d,e in (f,g),h,!i`. */
export function fitsLabels(labels: Labels, selector: string): boolean {
  // Commas within parentheses do not separate requirements.
  const requirements = selector.split(/,(?![^(]*\))/).map((one) => one.trim());
  return requirements.filter(Boolean).every((one) => meets(labels, one));
}

function meetsExpression(labels: Labels, expression: Json): boolean {
  const key = at(expression, "key");
  const value = typeof key === "string" ? labels[key] : undefined;
  const listed = value !== undefined && listAt(expression, "values").includes(value);
  const operator = at(expression, "operator");
  if (operator === "In") return listed;
  if (operator === "NotIn") return !listed;
  return operator === "Exists" ? value !== undefined : value === undefined;
}

/**
 * Whether labels fit a selector in JSON: `matchLabels` and `matchExpressions`. One that says
 * nothing fits everything.
 */
export const fitsSelector = (labels: Labels, selector: Json | undefined): boolean =>
  Object.entries(objectAt(selector, "matchLabels")).every(([key, value]) => labels[key] === value) &&
  listAt(selector, "matchExpressions").every((expression) => meetsExpression(labels, expression));

/** What fields that an object leaves out are taken for. */
const FIELD_DEFAULTS: Readonly<Record<string, string>> = { "spec.unschedulable": "false" };

/** Whether an object fits a field selector: `metadata.name=a,status.phase!=Running`. */
export function fitsFields(object: KubernetesObject, selector: string): boolean {
  return selector
    .split(",")
    .filter(Boolean)
    .every((requirement) => {
      const parts = /^(.+?)(!=|==|=)(.*)$/.exec(requirement);
      if (!parts) throw badRequest(`invalid selector: '${selector}'; can't understand '${requirement}'`);
      const [, path = "", operator, value] = parts;
      const found = at(object, ...path.split("."));
      const text = typeof found === "object" || found === undefined ? (FIELD_DEFAULTS[path] ?? "") : String(found);
      return operator === "!=" ? text !== value : text === value;
    });
}

/** The selectors of a request. */
export interface Selection {
  readonly labels: string;
  readonly fields: string;
}

export const isSelected = (object: KubernetesObject, { labels, fields }: Selection): boolean =>
  fitsLabels(object.metadata.labels ?? {}, labels) && fitsFields(object, fields);
