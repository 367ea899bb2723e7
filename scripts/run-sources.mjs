// `node --import scripts/run-sources.mjs PROGRAM` runs a program on the TypeScript sources of the
// workspace, as tests and the bundler see them: a test that needs a process of its own takes this.
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";
import { sourceOf } from "./sources.mjs";

// Node calls the two functions below in a thread of their own.
if (isMainThread) register(import.meta.url);

export async function resolve(specifier, context, next) {
  const source = sourceOf(specifier);
  return source === undefined ? next(specifier, context) : { url: pathToFileURL(source).href, shortCircuit: true };
}

export async function load(url, context, next) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
  const { transformSync } = await import("rolldown/utils"); // in this thread only
  const path = fileURLToPath(url);
  const { code, errors } = transformSync(path, readFileSync(path, "utf8"));
  if (errors.length > 0) throw errors[0];
  return { format: "module", source: code, shortCircuit: true };
}
