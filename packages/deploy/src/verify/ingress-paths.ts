import { kindOf, type KubernetesObject, listAt, textAt } from "../cluster/kubernetes-object.ts";

/**
 * What to ask a host for: the paths of all Ingress rules that lead its requests, each once; `/`
 * where there is none that can be asked for. What an Ingress controller takes as a pattern is no
 * path, and what an ACME server asks for is gone soon.
 */
export function pathsOf(host: string, objects: readonly KubernetesObject[]): string[] {
  const paths = objects
    .filter((object) => kindOf(object) === "Ingress")
    .flatMap((ingress) => listAt(ingress, "spec", "rules"))
    .filter((rule) => leads(textAt(rule, "host"), host))
    .flatMap((rule) => listAt(rule, "http", "paths"))
    .flatMap((path) => askable(textAt(path, "path") || "/", textAt(path, "pathType")));
  return paths.length === 0 ? ["/"] : [...new Set(paths)];
}

/** Whether a rule is for a host: without one it is for all, and `*` stands for one label. */
function leads(ruled: string, host: string): boolean {
  if (!ruled.startsWith("*.")) return ruled === "" || ruled === host;
  return host.indexOf(".") > 0 && host.slice(host.indexOf(".")) === ruled.slice(1);
}

function askable(path: string, type: string): string[] {
  // Some controllers write a prefix so.
  const plain = type === "ImplementationSpecific" ? path.replace(/\*$/, "") : path;
  const isPattern = type === "ImplementationSpecific" && /[()[\]{}*+?^$|\\]/.test(plain);
  return isPattern || !plain.startsWith("/") || plain.startsWith("/.well-known/acme-challenge") ? [] : [plain];
}
