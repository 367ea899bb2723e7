#!/usr/bin/env node
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { start } from "./start.ts";

start({
  folder: __dirname,
  read(name) {
    const path = join(__dirname, name);
    return { text: readFileSync(path, "utf8"), time: statSync(path).mtimeMs };
  },
});
