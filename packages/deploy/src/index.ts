export { apply, type ApplyOptions, checkPlan, type DeployLimits } from "./apply.ts";
export { AuditLog } from "./audit-log.ts";
export type { DeployEvent } from "./events.ts";
export type { Progress, Unready } from "./readiness.ts";
export { rollBack, type RollbackOptions } from "./rollback.ts";
export type { Workload, WorkloadKind, WorkloadState } from "./workload.ts";
export type { KubernetesObject, ObjectList, ReadOptions, Sending, WatchEvent } from "./api.ts";
export { Cluster, type ClusterIdentity, type ConnectOptions, WritableCluster } from "./cluster.ts";
export { CHECKS, runChecks, type CheckOptions } from "./check.ts";
export { RULES, type Rule, type RuleId } from "./checks/rules.ts";
export { type Ci, type CiOptions, detectCi, findingsInMarkdown } from "./ci.ts";
export type { CertificateFacts, ExpiryThresholds } from "./certificate.ts";
export { type CertificateOptions, type HostOptions, inspectCertificates } from "./certs.ts";
export { type ClientCredential, inspectCredential } from "./client-credential.ts";
export {
  cordon,
  type CordonOptions,
  drain,
  type DrainEvent,
  type DrainOptions,
  inspectNodes,
  uncordon,
} from "./drain.ts";
export type { Issuance, IssuanceStep } from "./issuance.ts";
export type { NodeReport, NodeState } from "./nodes.ts";
export type { NodePod, PodFate, Resources } from "./pods.ts";
export type { HostCertificate } from "./served-certificate.ts";
export type { TlsHost } from "./tls-host.ts";
export type { ProbeOptions } from "./probe.ts";
export type { Chart, Dependency } from "./chart.ts";
export { type CheckReport, summaryOf, worstFirst } from "./reports/report.ts";
export { toSarif } from "./reports/sarif.ts";
export type { Environment, RenderOptions, SecretLeaf } from "./environment.ts";
export type { Release, ValuesOptions } from "./release.ts";
export { DeployError, type DeployErrorCode, type Place } from "./errors.ts";
export { type FederationReport, inspectFederation, type MemberVersions } from "./federation.ts";
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
export {
  rollout,
  type RolloutEvent,
  type RolloutOptions,
  type RolloutOutcome,
  type RolloutStep,
  type RolloutSteps,
} from "./rollout.ts";
export { type DeploymentOptions, deploymentSteps } from "./rollout-steps.ts";
export type { RolloutTarget } from "./rollout-graph.ts";
export type {
  ClusterPin,
  EnvironmentSettings,
  NodePool,
  ReleaseSettings,
  Settings,
  Silence,
  Tier,
} from "./settings.ts";
export { type HostAnswer, type Verification, verifyEnvironment } from "./verify.ts";
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
