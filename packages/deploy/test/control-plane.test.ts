import { afterAll, beforeAll, describe } from "vitest";
import { type ControlPlane, controlPlanePeer, startControlPlane } from "@git-vault/testkit/control-plane";
import { applyTests, outageTests } from "./control-plane/apply.ts";
import { randomFailureTests } from "./control-plane/random-failures.ts";
import { tellingTests } from "./control-plane/telling.ts";
import { incidentTests } from "./control-plane/incidents.ts";
import { nodeTests } from "./control-plane/nodes.ts";
import { rolloutTests } from "./control-plane/rollout.ts";
import { sameAnswersTests } from "./control-plane/same-answers.ts";
import { rightsTests } from "./control-plane/rights.ts";
import { twoRunsTests } from "./control-plane/two-runs.ts";

/*
 * A deployment against a real control plane, whose pods kwok plays: an image whose name has
 * `crashes`, `missing` or `unready` in it never becomes ready. All tests share one control plane,
 * which takes ten seconds to start: so they are one file.
 */
let plane: ControlPlane;

describe.skipIf(controlPlanePeer.missing)(`on ${controlPlanePeer.label}`, () => {
  beforeAll(async () => void (plane = await startControlPlane()));
  afterAll(() => plane[Symbol.dispose]());

  describe("a deployment", () => {
    applyTests(() => plane);
  });
  describe("a deployment that is disturbed", () => {
    randomFailureTests(() => plane);
  });
  describe("plans and events", () => {
    tellingTests(() => plane);
  });
  describe("incidents", () => {
    incidentTests(() => plane);
  });
  describe("a node", () => {
    nodeTests(() => plane);
  });
  describe("a rollout", () => {
    rolloutTests(() => plane);
  });
  describe("the stand-in for a cluster", () => {
    sameAnswersTests(() => plane);
  });
  // Before the user gets rights that others would find.
  describe("two runs", () => {
    twoRunsTests(() => plane);
  });
  describe("rights", () => {
    rightsTests(() => plane);
  });
  describe("an outage", () => {
    outageTests(() => plane);
  });
});
