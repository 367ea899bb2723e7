// Writes the pages of the site that come from the program: the commands, the error codes and
// deploy.yaml. They lie in docs/reference, which git ignores.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { workspaceSources } from "../../scripts/sources.mjs";
import { asText, schemaPage } from "./schema-page.mjs";

const docs = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(docs);
const read = (path) => readFileSync(join(root, path), "utf8");
const reference = join(docs, "reference");
rmSync(reference, { recursive: true, force: true });

function write(name, page) {
  const path = join(reference, `${name}.md`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, page);
}

const bundle = await rolldown({
  cwd: join(root, "apps/vault"),
  input: join(root, "apps/vault/src/reference.ts"),
  platform: "node",
  plugins: [workspaceSources],
  transform: { target: "node20.19", define: { VAULT_VERSION: '"0.0.0"', CHECK_PAGES: "{}" } },
});
const program = join(docs, ".vitepress/cache/reference.cjs");
const { output } = await bundle.generate({ format: "cjs", codeSplitting: false });
mkdirSync(dirname(program), { recursive: true });
writeFileSync(program, output[0].code);
const { referencePages, ERROR_CODES } = createRequire(import.meta.url)(program);
for (const [name, page] of Object.entries(referencePages())) write(name, page);

/** What each code of a package means, by the doc comment of its union. */
function meaningsIn(path) {
  const [comment] = /\/\*\*(?:(?!\*\/)[^])*?- `[A-Z_]+`[^]*?\*\//.exec(read(path)) ?? [""];
  const items = comment.replaceAll(/^\s*\/?\*+\/?/gm, "").split(/^ - /m);
  return Object.fromEntries(
    items.slice(1).flatMap((item) => {
      const [, codes, meaning] = /^((?:`[A-Z_]+`(?:, )?)+): ([^]*)$/.exec(item.trim()) ?? [];
      if (codes === undefined) return [];
      return [...codes.matchAll(/[A-Z_]+/g)].map(([code]) => [code, meaning.replaceAll(/\s+/g, " ").trim()]);
    }),
  );
}

const CLASSES = {
  CliError: ["The command", "apps/vault"],
  KeyError: ["Keys", "packages/keys"],
  SealingError: ["Messages", "packages/sealing"],
  DirectoryError: ["Recipients", "packages/directory"],
  GitCryptError: ["Encrypted repositories", "packages/git-crypt"],
  SharingError: ["Sharing and members", "packages/sharing"],
  MembersError: ["Entries of the members log", "packages/members"],
  DeployError: ["Deploying", "packages/deploy"],
};
const tables = Object.entries(CLASSES).map(([name, [title, folder]]) => {
  const meanings = meaningsIn(`${folder}/src/errors.ts`);
  const rows = Object.entries(ERROR_CODES[name]).map(([code, { exit, hint }]) => {
    if (meanings[code] === undefined) throw new Error(`${folder}/src/errors.ts does not say what ${code} means`);
    return `| \`${code}\` | ${exit} | ${asText(meanings[code])} | ${asText(hint ?? "")} |`;
  });
  return `## ${title}\n\n| code | exit | what happened | what to do |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
});
write(
  "errors",
  `# Error codes\n\nEvery error has a code. \`--json\` prints it as \`error.code\`, the libraries throw it as \`code\`. Most errors also print a hint, which depends on the case; the table has those that are always the same.\n\n${tables.join("\n")}`,
);
write("deploy-yaml", schemaPage(JSON.parse(read("packages/deploy/dist/deploy.schema.json"))));
