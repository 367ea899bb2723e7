import { fstatSync } from "node:fs";
import { template, type TemplatedRelease } from "@git-vault/deploy/releases";
import { releaseIn } from "@git-vault/deploy";
import { isMap, type Value } from "@git-vault/deploy/values";
import { currentCi } from "./ci.ts";
import { interruptible, openToRead, sayLeftOut } from "./project.ts";
import { usageError } from "../../errors.ts";
import type { Run } from "../../cli/command.ts";
import { leadsTo, printableText, writeJson, writeLong, writeStdout } from "../../io/streams.ts";
import type { DEPLOY_COMMANDS } from "./specs.ts";

export const run: Run<(typeof DEPLOY_COMMANDS)["deploy template"]> = (options, [name]) => {
  const { release, withSecrets, withoutSecrets, json } = options;
  if (withSecrets) assertPipe();
  return interruptible(async (signal) => {
    await using project = await openToRead(options, { environments: [name], needsHelm: true, signal });
    const environment = project.environment(name);
    if (withoutSecrets && !options.quiet) {
      const shown = release === undefined ? environment.releases : [releaseIn(environment, release)];
      sayLeftOut(shown.flatMap((one) => project.lockedIn(one)));
    }
    const releases = await template(project, environment, {
      release,
      withSecrets,
      withoutSecrets,
      signal,
    });
    if (withSecrets) currentCi().mask(encodedIn(releases));
    if (json) return writeJson({ commit: project.commit, environment: name, releases: releases.map(shownInJson) });
    const { stringify } = await import("yaml");
    const yamlOf = (object: Value): string =>
      stringify(object, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 });
    if (withSecrets) {
      const texts = releases.flatMap(({ objects }) => objects.map(({ text, object }) => text ?? `\n${yamlOf(object)}`));
      return writeStdout(texts.map((text) => `---${text}`).join(""));
    }
    const documents = releases.flatMap(({ objects }) =>
      objects.map(({ source, object }) => {
        const head = source === null ? "" : `# Source: ${source}\n`;
        return `---\n${head}${yamlOf(object)}`;
      }),
    );
    writeLong(printableText(documents.join("")));
  });
};

/** Secrets go to another program, and never onto a screen or a disk. */
function assertPipe(): void {
  const isPipe = leadsTo(1) === "data" && !fstatSync(1).isFile();
  if (!isPipe)
    throw usageError(
      "--with-secrets prints secrets into a pipe alone, and stdout is none",
      "give it to a program: `vault deploy template ENVIRONMENT --with-secrets | kubectl diff -f -`",
    );
}

const shownInJson = ({ key, name, namespace, leftOut, objects }: TemplatedRelease): object => ({
  key,
  name,
  namespace,
  leftOut,
  objects: objects.map(({ source, object }) => ({ source, object })),
});

/** What Secrets hold in base64, which a log may get: the values themselves are masked already. */
const encodedIn = (releases: readonly TemplatedRelease[]): string[] =>
  releases.flatMap(({ objects }) =>
    objects.flatMap(({ object }) => {
      const isSecret = isMap(object) && object["kind"] === "Secret";
      const values = isSecret && isMap(object["data"]) ? Object.values(object["data"]) : [];
      return values.flatMap((value) => (typeof value === "string" && value.length >= 8 ? [value] : []));
    }),
  );
