export { apply, checkPlan } from "./releases/apply.ts";
export type { ApplyOptions, DeployLimits } from "./releases/deployment.ts";
export { AuditLog } from "./releases/audit-log.ts";
export type { DeployEvent } from "./releases/events.ts";
export type { Progress, Unready } from "./workloads/readiness.ts";
export {
  planRollback,
  rollBack,
  type RollbackOptions,
  type RollbackPlan,
  type RollbackPlanOptions,
  rollbackText,
} from "./releases/rollback.ts";
export type { Workload, WorkloadKind, WorkloadState } from "./workloads/workload.ts";
export type { KubernetesObject, ObjectList, ReadOptions, Sending, WatchEvent } from "./cluster/api.ts";
export { Cluster, type ConnectOptions, WritableCluster } from "./cluster/cluster.ts";
export type { ClusterIdentity } from "./cluster/identity.ts";
export { CHECKS, runChecks, type CheckOptions } from "./checks/run-checks.ts";
export { RULES, type Rule, type RuleId } from "./findings/rules.ts";
export { type Ci, type CiOptions, detectCi } from "./ci/ci.ts";
export { secretsToMask } from "./ci/masks.ts";
export { blockInMarkdown, findingsInMarkdown, tableInMarkdown } from "./findings/markdown.ts";
export type { CertificateFacts, ExpiryThresholds } from "./verify/certificate.ts";
export { type CertificateOptions, type HostOptions, inspectCertificates } from "./verify/certs.ts";
export { type ClientCredential, inspectCredential } from "./verify/client-credential.ts";
export {
  cordon,
  type CordonOptions,
  drain,
  type DrainEvent,
  type DrainOptions,
  inspectNodes,
  uncordon,
} from "./nodes/drain.ts";
export type { Issuance, IssuanceStep } from "./verify/issuance.ts";
export type { NodeReport, NodeState } from "./nodes/nodes.ts";
export type { NodePod, PodFate, Resources } from "./workloads/pods.ts";
export type { HostCertificate } from "./verify/served-certificate.ts";
export type { TlsHost } from "./verify/tls-host.ts";
export type { ProbeOptions } from "./verify/probe.ts";
export type { Chart, Dependency } from "./charts/chart.ts";
export { type CheckReport, scopeOf, summaryOf, worstFirst } from "./findings/report.ts";
export { toSarif } from "./findings/sarif.ts";
export type { Environment, SecretLeaf } from "./project/environment.ts";
export type { Release, RenderOptions, ValuesOptions } from "./project/release.ts";
export { DeployError, type DeployErrorCode, type Place } from "./errors.ts";
export { type FederationReport, inspectFederation, type MemberVersions } from "./verify/federation.ts";
export type { FetchedArchive } from "./charts/fetch.ts";
export type { AskOptions, Publication } from "./charts/published.ts";
export type { LockedArchive } from "./charts/lock-file.ts";
export type { Check, CheckContext, Finding, Severity } from "./findings/finding.ts";
export type { KeySource } from "./project/key.ts";
export type { Layer, LayerRole } from "./values/layer.ts";
export type { Manifest } from "./helm/manifests.ts";
export type { Explanation, Leaf, Setting, Values } from "./values/merge.ts";
export type { RecordedRevision, ReleaseRevision } from "./cluster/helm-releases.ts";
export type { Change } from "./releases/manifest-diff.ts";
export {
  isUnchanged,
  makePlan,
  type Plan,
  type PlannedRelease,
  type PlanOptions,
  type ReleaseBinding,
} from "./releases/plan.ts";
export type { HalfWay } from "./releases/repair.ts";
export { readPlan, writePlan } from "./releases/plan-file.ts";
export { assertFresh } from "./releases/staleness.ts";
export { planMarkdown, planText } from "./releases/plan-report.ts";
export { Project, type ProjectOptions } from "./project/project.ts";
export { Redactor, type Sighting } from "./secrets/redactor.ts";
export {
  rollout,
  type RolloutEvent,
  type RolloutOptions,
  type RolloutOutcome,
  type RolloutStep,
  type RolloutSteps,
} from "./rollout/rollout.ts";
export { type DeploymentOptions, deploymentSteps } from "./rollout/rollout-steps.ts";
export type { RolloutTarget } from "./rollout/rollout-graph.ts";
export type {
  ClusterPin,
  EnvironmentSettings,
  NodePool,
  ReleaseSettings,
  Settings,
  Silence,
  Tier,
} from "./project/settings.ts";
export { type HostAnswer, type Verification, verifyEnvironment } from "./verify/verify.ts";
export type { TrackedFile } from "./files/tree.ts";
export { formatPath, isMap, parsePath, type Path, type Value, type ValueMap } from "./values/value.ts";
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
} from "./values/yaml.ts";
