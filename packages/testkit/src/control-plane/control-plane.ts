import { generateKeyPairSync, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type KubernetesCredentials, kubeconfigText } from "../kubernetes/kubeconfig.ts";
import { mintCertificate, type MintedCertificate } from "../network/certificates.ts";
import { listen } from "../network/listen.ts";
import { peer, type Peer } from "../peers/peer.ts";
import { temporaryFolder } from "../worlds/temporary-folder.ts";
import { daemon, type Daemon } from "./daemon.ts";
import { STAGES_FILE } from "./stages.ts";

/** What a control plane is made of. */
export const CONTROL_PLANE: readonly Peer[] = [
  peer("etcd"),
  peer("kube-apiserver"),
  peer("kube-controller-manager"),
  peer("kube-scheduler"),
  peer("kwok"),
];

const notInstalled = CONTROL_PLANE.filter(({ missing }) => missing).map(({ path }) => path);

/** For `describe.skipIf`: whether a part of it is not installed, and the title that says so. */
export const controlPlanePeer: Omit<Peer, "path"> = {
  missing: notInstalled.length > 0,
  label: `a real control plane${notInstalled.length > 0 ? ` (skipped: ${notInstalled.join(", ")} not installed)` : ""}`,
};

/** What the API server answers. */
export interface ApiAnswer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- an object of Kubernetes, as a test reads it
  readonly body: any;
}

/** A real Kubernetes on the loopback interface, whose nodes and pods kwok plays. */
export interface ControlPlane extends Disposable {
  readonly server: string;
  /** Who signs its certificates, and those of its users. */
  readonly authority: MintedCertificate;
  /** The token of somebody who may do everything. */
  readonly token: string;
  /** The token of `deployer`, who may do nothing until a test binds a role to that user. */
  readonly deployer: string;
  /** The uid of its namespace `kube-system`, by which a cluster is pinned. */
  readonly identity: string;
  readonly etcd: Daemon;
  readonly apiServer: Daemon;
  kubeconfig(credentials?: KubernetesCredentials): string;
  /** Asks the API server, as somebody who may do everything. */
  ask(method: string, path: string, body?: object): Promise<ApiAnswer>;
  /** Makes an object; its path is that of its kind. */
  make(path: string, object: object): Promise<void>;
  /** Waits until the API server is ready. */
  ready(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { port } = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** How long it may take to begin, in ms: on a busy machine that is long. */
const MOST_MS = 240_000;

/** Starts a control plane with one node. Close it, or declare it with `using`. */
export async function startControlPlane(): Promise<ControlPlane> {
  const [etcdPath, serverPath, managerPath, schedulerPath, kwokPath] = CONTROL_PLANE.map(({ path }) => path);
  const folder = temporaryFolder();
  const file = (name: string, content: string): string => {
    const path = join(folder.path, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const program = (name: string, path: string | undefined, args: Readonly<Record<string, string>>): Daemon =>
    daemon(
      name,
      path ?? name,
      Object.entries(args).map(([flag, value]) => `--${flag}=${value}`),
      join(folder.path, `${name}.log`),
    );
  const [clientPort, peerPort, port, managerPort, schedulerPort] = await Promise.all(
    Array.from({ length: 5 }, freePort),
  );
  const ca = await mintCertificate({ authority: true, commonName: "git-vault tests" });
  const own = await mintCertificate({ issuer: ca, names: ["127.0.0.1", "10.0.0.1", "localhost", "kubernetes"] });
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const accounts = file("accounts.key", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  const accountsPublic = file("accounts.pub", publicKey.export({ type: "spki", format: "pem" }).toString());
  const caFile = file("ca.crt", ca.certificate);
  const [token, deployer] = [randomBytes(16).toString("hex"), randomBytes(16).toString("hex")];
  const server = `https://127.0.0.1:${port}`;
  const kubeconfig = (credentials: KubernetesCredentials = { token }): string =>
    kubeconfigText(server, ca.certificate, credentials);
  const admin = file("admin.kubeconfig", kubeconfig());

  const etcd = program("etcd", etcdPath, {
    "data-dir": join(folder.path, "etcd"),
    "listen-client-urls": `http://127.0.0.1:${clientPort}`,
    "advertise-client-urls": `http://127.0.0.1:${clientPort}`,
    "listen-peer-urls": `http://127.0.0.1:${peerPort}`,
    "initial-advertise-peer-urls": `http://127.0.0.1:${peerPort}`,
    "initial-cluster": `default=http://127.0.0.1:${peerPort}`,
  });
  const apiServer = program("kube-apiserver", serverPath, {
    "etcd-servers": `http://127.0.0.1:${clientPort}`,
    "bind-address": "127.0.0.1",
    "secure-port": `${port}`,
    "tls-cert-file": file("server.crt", own.chain),
    "tls-private-key-file": file("server.key", own.key),
    "client-ca-file": caFile,
    "token-auth-file": file("tokens.csv", `${token},admin,admin,"system:masters"\n${deployer},deployer,deployer\n`),
    "service-account-key-file": accountsPublic,
    "service-account-signing-key-file": accounts,
    "service-account-issuer": server,
    "authorization-mode": "RBAC",
    "service-cluster-ip-range": "10.0.0.0/16",
    // Both ask etcd for what Debian's does not have.
    "feature-gates": "SizeBasedListCostEstimate=false,WatchList=false",
    // Pods are not kept from starting where the controller manager has not made their account yet.
    "disable-admission-plugins": "ServiceAccount",
  });
  const others = [
    program("kube-controller-manager", managerPath, {
      kubeconfig: admin,
      "leader-elect": "false",
      "service-account-private-key-file": accounts,
      "root-ca-file": caFile,
      "secure-port": `${managerPort}`,
      "bind-address": "127.0.0.1",
    }),
    program("kube-scheduler", schedulerPath, {
      kubeconfig: admin,
      "leader-elect": "false",
      "secure-port": `${schedulerPort}`,
      "bind-address": "127.0.0.1",
    }),
    program("kwok", kwokPath, {
      kubeconfig: admin,
      "manage-all-nodes": "true",
      "node-lease-duration-seconds": "40",
      config: file("stages.yaml", STAGES_FILE),
    }),
  ];
  const ask: ControlPlane["ask"] = (method, path, body) =>
    new Promise((resolve, reject) => {
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const headers = { authorization: `Bearer ${token}`, "content-type": type };
      const asked = request(server + path, { method, ca: ca.certificate, headers }, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("error", reject);
        answer.on("end", () => {
          const text = Buffer.concat(parts).toString();
          const isJson = answer.headers["content-type"]?.includes("json") === true;
          resolve({ status: answer.statusCode ?? 0, body: isJson ? (JSON.parse(text) as unknown) : text });
        });
      });
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const make: ControlPlane["make"] = async (path, object) => {
    const { status, body } = await ask("POST", path, object);
    if (status >= 300) throw new Error(`POST ${path} was answered with ${status}: ${JSON.stringify(body)}`);
  };
  const until = async (what: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + MOST_MS; !(await what().catch(() => false)); await sleep(200))
      if (Date.now() > end)
        throw new Error(
          `the control plane did not start: ${[apiServer, ...others].map((one) => one.log()).join("\n")}`,
        );
  };
  const ready = (): Promise<void> => until(async () => (await ask("GET", "/readyz")).status === 200);
  const close = (): void => {
    for (const one of [...others, apiServer, etcd]) one.kill();
    folder.remove();
  };
  try {
    etcd.start();
    apiServer.start();
    await ready();
    for (const one of others) one.start();
    await make("/api/v1/nodes", { metadata: { name: "one", labels: { "kubernetes.io/hostname": "one" } } });
    await until(async () => {
      const { body } = await ask("GET", "/api/v1/nodes/one");
      const { taints = [] } = body.spec;
      return body.status.phase === "Running" && taints.length === 0;
    });
    const { body } = await ask("GET", "/api/v1/namespaces/kube-system");
    const identity: string = body.metadata.uid;
    return {
      server,
      authority: ca,
      token,
      deployer,
      identity,
      etcd,
      apiServer,
      kubeconfig,
      ask,
      make,
      ready,
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
