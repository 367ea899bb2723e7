import { memoryPath } from "../log-places.ts";
import type { Members } from "./membership.ts";
import { knownFor } from "./memory.ts";

/**
 * Where it is remembered that a repository has a members log, as phrases: what a person removes who
 * began the repository again.
 */
export const rememberedPlaces = ({ repository, memory, root }: Members): string[] => [
  ...knownFor(repository)
    .filter((one) => one.root === root)
    .map(({ address, file }) => `the line that begins with ${address} from ${file}`),
  ...(memory.root === root && root !== null ? [`the file ${memoryPath(repository)}`] : []),
];
