// Writes the page to dist/seal.html, or to the file that is named.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { makePage } from "./page.mjs";

const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const file = resolve(process.argv[2] ?? join(root, "dist/seal.html"));
const { html } = await makePage(version);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, html);
