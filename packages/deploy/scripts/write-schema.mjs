// Writes the JSON Schema of deploy.yaml into dist/, for editors and other programs.
import { writeFileSync } from "node:fs";
import { SETTINGS_SCHEMA } from "../dist/project/settings-schema.js";

const file = new URL("../dist/deploy.schema.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(SETTINGS_SCHEMA, null, 2)}\n`);
