import { isMap, type Value, type ValueMap } from "../values/value.ts";
import type { Manifest } from "../helm/manifests.ts";

/** The specifications of the pods that an object makes; a list's, those of all of its objects. */
export function podsOf({ object }: Pick<Manifest, "object">): ValueMap[] {
  if (object["kind"] === "List")
    return listAt(object, "items").flatMap((item) => (isMap(item) ? podsOf({ object: item }) : []));
  const spec = mapAt(object, "spec");
  switch (textAt(object, "kind") ?? "") {
    case "Pod":
      return spec === null ? [] : [spec];
    case "PodTemplate":
      return listed(mapAt(mapAt(object, "template"), "spec"));
    case "CronJob":
      return listed(mapAt(mapAt(mapAt(mapAt(spec, "jobTemplate"), "spec"), "template"), "spec"));
    default:
      return listed(mapAt(mapAt(spec, "template"), "spec"));
  }
}

const listed = (map: ValueMap | null): ValueMap[] => (map === null ? [] : [map]);

/** The map at a key; null where there is none. */
export function mapAt(map: ValueMap | null, key: string): ValueMap | null {
  const value = map?.[key];
  return isMap(value) ? value : null;
}

/** The list at a key; empty where there is none. */
export function listAt(map: ValueMap | null, key: string): Value[] {
  const value = map?.[key];
  return Array.isArray(value) ? value : [];
}

/** The text at a key; null where there is none. */
export function textAt(map: ValueMap | null, key: string): string | null {
  const value = map?.[key];
  return typeof value === "string" ? value : null;
}
