export { controlPlanePeer, startControlPlane, type ApiAnswer, type ControlPlane } from "./control-plane.ts";
export { type Daemon } from "./daemon.ts";
