export { compileExamples, examplesIn } from "./examples.ts";
export { bundleProgram, type ProgramOptions } from "./program.ts";
