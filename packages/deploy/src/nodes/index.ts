/* The nodes of a cluster. */
export { cordon, drain, type DrainEvent, inspectNodes, uncordon } from "./drain.ts";
export type { NodeReport, NodeState } from "./nodes.ts";
export { listNodeNames, type NodeNamesOptions } from "./node-names.ts";
