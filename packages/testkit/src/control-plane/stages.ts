/*
 * How kwok, in the place of kubelets, plays nodes and pods: a node is ready at once, a pod as its
 * image says. What a pod becomes is in its image's name, since a chart can always choose that.
 *
 * https://kwok.sigs.k8s.io/docs/user/stages-configuration/
 */

/** What the name of an image makes of its pods. */
const FAILURES = {
  crashes: { reason: "CrashLoopBackOff", message: "back-off restarting failed container" },
  missing: { reason: "ImagePullBackOff", message: 'Back-off pulling image "missing"' },
} as const;

interface Stage {
  readonly name: string;
  readonly kind: "Node" | "Pod";
  readonly when: readonly (readonly [key: string, operator: string, ...values: string[]])[];
  readonly next: object;
}

const stage = ({ name, kind, when, next }: Stage): string =>
  JSON.stringify({
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "Stage",
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: "v1", kind },
      selector: { matchExpressions: when.map(([key, operator, ...values]) => ({ key, operator, values })) },
      next,
    },
  });

const status = (template: string): object => ({
  patches: [{ subresource: "status", root: "status", type: "merge", template }],
});

const ALIVE = [".metadata.deletionTimestamp", "DoesNotExist"] as const;
const ON_A_NODE = [".spec.nodeName", "Exists"] as const;
const imageHas = (word: string): readonly [string, string, string] => [
  `.spec.containers[0].image | contains("${word}")`,
  "In",
  "true",
];
const imageHasNot = (word: string): readonly [string, string, string] => [
  `.spec.containers[0].image | contains("${word}")`,
  "In",
  "false",
];
const NOT_YET = [".status.podIP", "DoesNotExist"] as const;
const WORDS = [...Object.keys(FAILURES), "unready"];

const node = `
{{ $now := Now }}
addresses: [{ address: 10.0.0.1, type: InternalIP }]
allocatable: { cpu: "32", memory: 64Gi, pods: "500" }
capacity: { cpu: "32", memory: 64Gi, pods: "500" }
conditions:
  - { type: Ready, status: "True", reason: KubeletReady, message: kwok, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }} }
nodeInfo: { architecture: amd64, bootID: "", containerRuntimeVersion: "", kernelVersion: "", kubeProxyVersion: v1.35.4, kubeletVersion: v1.35.4, machineID: "", operatingSystem: linux, osImage: "", systemUUID: "" }
phase: Running
`;

const pod = (ready: boolean, state: string, phase = "Running"): string => `
{{ $now := Now }}
conditions:
  - { type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }} }
  - { type: Ready, status: "${ready ? "True" : "False"}", lastTransitionTime: {{ $now | Quote }} }
  - { type: ContainersReady, status: "${ready ? "True" : "False"}", lastTransitionTime: {{ $now | Quote }} }
containerStatuses:
{{ range .spec.containers }}
  - { name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "", ready: ${ready}, restartCount: 0, state: ${state} }
{{ end }}
hostIP: 10.0.0.1
podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
phase: ${phase}
startTime: {{ $now | Quote }}
`;

const STAGES: readonly Stage[] = [
  {
    name: "node-ready",
    kind: "Node",
    when: [[".status.phase", "NotIn", "Running"]],
    next: status(node),
  },
  {
    name: "pod-ready",
    kind: "Pod",
    when: [ALIVE, ON_A_NODE, NOT_YET, ...WORDS.map(imageHasNot), [".spec.restartPolicy", "In", "Always"]],
    next: status(pod(true, "{ running: { startedAt: {{ $now | Quote }} } }")),
  },
  {
    name: "pod-done",
    kind: "Pod",
    when: [ALIVE, ON_A_NODE, NOT_YET, ...WORDS.map(imageHasNot), [".spec.restartPolicy", "NotIn", "Always"]],
    next: status(
      pod(
        false,
        "{ terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }",
        "Succeeded",
      ),
    ),
  },
  {
    name: "pod-unready",
    kind: "Pod",
    when: [ALIVE, ON_A_NODE, NOT_YET, imageHas("unready")],
    next: status(pod(false, "{ running: { startedAt: {{ $now | Quote }} } }")),
  },
  ...Object.entries(FAILURES).map(([word, waiting]): Stage => ({
    name: `pod-${word}`,
    kind: "Pod",
    when: [ALIVE, ON_A_NODE, NOT_YET, imageHas(word)],
    next: status(pod(false, `{ waiting: ${JSON.stringify(waiting)} }`, "Pending")),
  })),
  {
    name: "pod-gone",
    kind: "Pod",
    when: [[".metadata.deletionTimestamp", "Exists"]],
    next: { finalizers: { empty: true }, delete: true },
  },
];

/** The configuration of kwok. */
export const STAGES_FILE: string = STAGES.map(stage).join("\n---\n");
