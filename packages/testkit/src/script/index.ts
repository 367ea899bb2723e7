export { runScript, type ScriptOptions } from "./script.ts";
