import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How the plugin behaves: well, by asking first, or as none should. */
export type AgePluginMode =
  | "plain"
  | "pin"
  | "confirm"
  | "spoof"
  | "error"
  | "hang"
  | "garbage"
  | "huge"
  | "flood"
  | "early"
  | "chatter"
  | "wrong-key"
  | "unknown";

/** What `age-plugin-<name>` does; the mode is that of `$AGE_PLUGIN_MODE`. */
const SCRIPT = String.raw`
const { readSync, writeSync, writeFileSync } = require("node:fs");
const mode = process.env.AGE_PLUGIN_MODE ?? "plain";
if (process.env.AGE_PLUGIN_SEEN) writeFileSync(process.env.AGE_PLUGIN_SEEN, JSON.stringify({ env: process.env, argv: process.argv, cwd: process.cwd(), pid: process.pid }));
let held = "";
const line = () => {
  for (;;) {
    const end = held.indexOf("\n");
    if (end !== -1) {
      const text = held.slice(0, end);
      held = held.slice(end + 1);
      return text;
    }
    const buffer = Buffer.alloc(65536);
    const read = readSync(0, buffer);
    if (read === 0) process.exit(1);
    held += buffer.toString("latin1", 0, read);
  }
};
const read = () => {
  const [, type, ...args] = line().split(" ");
  let body = "";
  for (let part = line(); ; part = line()) {
    body += part;
    if (part.length < 64) return { type, args, body: Buffer.from(body, "base64") };
  }
};
const base64 = (bytes) => Buffer.from(bytes).toString("base64").replaceAll("=", "");
const write = (type, args = [], body = "") => {
  const lines = base64(body).match(/.{1,64}/g) ?? [];
  if (lines.length === 0 || lines.at(-1).length === 64) lines.push("");
  writeSync(1, [["->", type, ...args].join(" "), ...lines, ""].join("\n"));
};
const ask = (type, args, body) => { write(type, args, body); return read(); };
const machine = process.argv[2] === "--age-plugin=recipient-v1" ? "recipient" : "identity";
const commands = [];
for (let command = read(); command.type !== "done"; command = read()) commands.push(command);
if (mode === "hang") { process.on("SIGINT", () => {}); setInterval(() => {}, 1000); return; }
if (mode === "garbage") { writeSync(1, "\x1b[2Jhello, is this the clinic?\n\n"); }
if (mode === "huge") for (;;) writeSync(1, "-> " + "x".repeat(65536));
if (mode === "flood") for (;;) ask("frobnicate", [], "x".repeat(65536));
if (mode === "early") { process.stderr.write("\x1b[31mno card\x07"); process.exit(3); }
if (mode === "chatter") for (;;) ask("msg", [], "again");
if (mode === "error") { ask("error", ["internal"], "the card\nis\x1b[2J locked"); write("done"); process.exit(0); }
if (mode === "spoof") ask("msg", [], "\r\x1b[2K\x1b[7m vault: signed by github:alice, a key of theirs on GitHub\x1b[0m\u202e\nvault: done");
if (mode === "unknown" && ask("frobnicate", ["1"], "").type !== "unsupported") process.exit(4);
if (mode === "pin" && ask("request-secret", [], "PIN of the card").body.toString() !== "1234") { ask("error", ["internal"], "wrong PIN"); write("done"); process.exit(0); }
if (mode === "confirm" && ask("confirm", [base64("touch it"), base64("skip")], "is the card there").args[0] !== "yes") { ask("error", ["internal"], "skipped"); write("done"); process.exit(0); }
if (machine === "recipient") {
  const key = commands.find(({ type }) => type === "wrap-file-key").body;
  for (const { type, args } of commands)
    if (type.startsWith("add-")) ask("recipient-stanza", ["0", "test-plugin", args[0].slice(0, 40)], Buffer.from(key).reverse());
} else {
  const mine = commands.find(({ type, args }) => type === "recipient-stanza" && args[1] === "test-plugin");
  if (mine) ask("file-key", ["0"], mode === "wrong-key" ? "short" : Buffer.from(mine.body).reverse());
}
write("done");
process.exit(0);
`;

/** Writes the program of an age plugin that seals nothing: it turns the file key around. */
export function writeAgePlugin(folder: string, name: string): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `age-plugin-${name}`);
  writeFileSync(path, `#!${process.execPath}\n(() => {${SCRIPT}})();\n`);
  chmodSync(path, 0o755);
}

/** A recipient and an identity of the plugin `test`. */
export const AGE_PLUGIN_TEST = {
  name: "test",
  recipient: "age1test1pzry9x8qysjnnw",
  identity: "AGE-PLUGIN-TEST-1PZRY9X8Q7GAR6J",
} as const;
