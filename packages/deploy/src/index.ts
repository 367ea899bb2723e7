export type { KubernetesObject, ObjectList, ReadOptions, Sending, WatchEvent } from "./api.ts";
export { Cluster, type ClusterIdentity, type ConnectOptions, WritableCluster } from "./cluster.ts";
export { CHECKS, runChecks, type CheckOptions } from "./check.ts";
export { RULES, type Rule, type RuleId } from "./checks/rules.ts";
export type { Chart, Dependency } from "./chart.ts";
export type { Environment, RenderOptions, SecretLeaf } from "./environment.ts";
export type { Release, ValuesOptions } from "./release.ts";
export { DeployError, type DeployErrorCode, type Place } from "./errors.ts";
export type { FetchedArchive } from "./fetch.ts";
export type { LockedArchive } from "./lock-file.ts";
export type { Check, CheckContext, Finding, Severity } from "./finding.ts";
export type { KeySource } from "./key.ts";
export type { Layer, LayerRole } from "./layer.ts";
export type { Manifest } from "./manifests.ts";
export type { Explanation, Leaf, Setting, Values } from "./merge.ts";
export type { ReleaseRevision } from "./helm-releases.ts";
export type { Change } from "./manifest-diff.ts";
export {
  isUnchanged,
  makePlan,
  type Plan,
  type PlannedRelease,
  type PlanOptions,
  type ReleaseBinding,
} from "./plan.ts";
export { readPlan, writePlan } from "./plan-file.ts";
export { assertFresh } from "./staleness.ts";
export { planMarkdown, planText } from "./plan-report.ts";
export { Project, type ProjectOptions } from "./project.ts";
export { Redactor, type Sighting } from "./redactor.ts";
export type {
  ClusterPin,
  EnvironmentSettings,
  NodePool,
  ReleaseSettings,
  Settings,
  Silence,
  Tier,
} from "./settings.ts";
export type { TrackedFile } from "./tree.ts";
export { formatPath, isMap, parsePath, type Path, type Value, type ValueMap } from "./value.ts";
export {
  readYaml,
  valueOf,
  type EntryYaml,
  type ListYaml,
  type MapYaml,
  type Position,
  type ScalarYaml,
  type Yaml,
  type YamlFile,
  type YamlOddity,
} from "./yaml.ts";
