import { isAbsolute } from "node:path";
import { DeployError, type Place } from "../errors.ts";
import { readProxy } from "../network/proxy.ts";
import type { CommitDemands, SignersLog } from "../project/demands.ts";
import { isMap, listAt, mapAt, textAt, type Value, type ValueMap } from "../values/value.ts";
import { readValue } from "../values/read-yaml.ts";

/** Authenticates: a token, a client certificate with its key, or both. All secret. */
export interface Credential {
  readonly token?: string;
  /** PEM. */
  readonly certificate?: string;
  /** PEM. */
  readonly key?: string;
}

/** A program that prints an ExecCredential, as a kubeconfig names it. */
export interface CredentialProgram {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What a kubeconfig says of its current context. */
export interface Kubeconfig {
  /** The address of the API server: https, without a slash at its end. */
  readonly server: string;
  /** Certificates in PEM that the server's must chain to; null for the system's. */
  readonly authority: string | null;
  /** The name that the server's certificate must bear, where it is not that of the address. */
  readonly serverName: string | null;
  /** The proxy that it names, which holds no password: Helm reads it from a file. */
  readonly proxy: URL | null;
  readonly user: Credential | CredentialProgram;
  /** What must be so of a commit that uses it. */
  readonly demands: CommitDemands;
}

/**
 * Reads the current context of a kubeconfig. Everything must be in it: names of other files are
 * refused, since they mean something else on every machine, and so is trust without a certificate.
 *
 * @param title what it is called in messages: its path in the repository
 * @param place where it is in the repository; none where it is in no commit
 * @throws DeployError INVALID_KUBECONFIG; UNTRUSTED_SOURCE for a program or a file that anyone who
 * can commit could change; as reading YAML does
 */
export function parseKubeconfig(
  title: string,
  text: string,
  { place }: { readonly place?: Place } = { place: { file: title } },
): Kubeconfig {
  const root = readValue(title, text);
  const fail: Fail = (reason, hint, code = "INVALID_KUBECONFIG") => {
    throw new DeployError(code, `${title}: ${reason}`, { ...(place === undefined ? {} : { place }), hint });
  };
  if (!isMap(root)) return fail("expected a kubeconfig, got something else");
  const named = (list: string, kind: string, name: string): ValueMap => {
    const found = listAt(root, list).filter((entry) => textAt(entry, "name") === name);
    // Helm refuses it as well: nobody can tell which one is meant.
    if (found.length > 1) return fail(`it has several ${list} of the name that its current context leads to`);
    const value = mapAt(found[0])[kind];
    return isMap(value) ? value : fail(`its current context names no ${kind} that is there`);
  };
  const context = named("contexts", "context", textAt(root, "current-context"));
  const cluster = named("clusters", "cluster", textAt(context, "cluster"));
  const user = named("users", "user", textAt(context, "user"));
  for (const map of [cluster, user])
    for (const name of FILES)
      if (map[name] !== undefined)
        return fail(
          `${name} names a file`,
          "put the file's content into the kubeconfig: kubectl config view --flatten --raw",
          "UNTRUSTED_SOURCE",
        );
  if (cluster["insecure-skip-tls-verify"] === true)
    return fail("it trusts any server", "put the server's authority into certificate-authority-data");
  const server = textAt(cluster, "server").replace(/\/+$/, "");
  if (!/^https:\/\/[^/?#@]+(?:\/[^?#]*)?$/.test(server)) return fail("expected a server with an https address");
  return {
    server,
    authority: pemIn(cluster, "certificate-authority-data", fail) || null,
    serverName: textAt(cluster, "tls-server-name") || null,
    proxy: proxyIn(cluster, fail),
    user: userIn(user, fail),
    demands: demandsIn(root, fail),
  };
}

/** Where other programs keep what is theirs alone: `extensions`, as Kubernetes has them. */
function demandsIn(root: ValueMap, fail: Fail): CommitDemands {
  const named = listAt(root, "extensions").filter((entry) => textAt(entry, "name") === "git-vault");
  const [own] = named;
  if (own === undefined) return { branches: [], members: null };
  const { branches, members, ...others } = mapAt(own, "extension");
  const [unknown] = Object.keys(others);
  // A demand that nobody understands is not met.
  if (named.length > 1 || unknown !== undefined || (branches === undefined && members === undefined))
    return fail("extensions: expected git-vault once, with branches, members or both, and nothing else");
  return {
    branches: branches === undefined ? [] : branchesIn(branches, fail),
    members: members === undefined ? null : membersIn(members, fail),
  };
}

const isBranch = (name: unknown): name is string => typeof name === "string" && /^[^-\s]\S*$/.test(name);

function branchesIn(branches: Value, fail: Fail): string[] {
  if (Array.isArray(branches) && branches.length > 0 && branches.every(isBranch)) return branches;
  return fail("extensions: expected git-vault to have a list of branches, such as [origin/main]");
}

function membersIn(members: Value, fail: Fail): SignersLog {
  const { root, branch, ...others } = mapAt(members);
  if (typeof root === "string" && isBranch(branch) && Object.keys(others).length === 0) return { root, branch };
  return fail("extensions: expected git-vault's members to be the root of their log, and the branch that has it");
}

const FILES = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

type Fail = (reason: string, hint?: string, code?: "INVALID_KUBECONFIG" | "UNTRUSTED_SOURCE") => never;

/** Empty where there is none. */
function pemIn(map: ValueMap, key: string, fail: Fail): string {
  const data = textAt(map, key);
  if (data === "") return "";
  const pem = Buffer.from(data, "base64").toString("latin1");
  return pem.includes("-----BEGIN ") ? pem : fail(`${key}: expected base64 of PEM, got something else`);
}

function proxyIn(cluster: ValueMap, fail: Fail): URL | null {
  const text = textAt(cluster, "proxy-url");
  if (text === "") return null;
  const proxy =
    readProxy(text) ?? fail("proxy-url: expected the address of an http or https proxy; SOCKS is not supported");
  if (proxy.username === "" && proxy.password === "") return proxy;
  return fail(
    "proxy-url holds a user name or password, which Helm would have to be given in a file",
    "name the proxy in $HTTPS_PROXY instead",
  );
}

function userIn(user: ValueMap, fail: Fail): Credential | CredentialProgram {
  const exec = user["exec"];
  if (isMap(exec)) return programIn(exec, fail);
  const certificate = pemIn(user, "client-certificate-data", fail);
  const key = pemIn(user, "client-key-data", fail);
  if ((certificate === "") !== (key === "")) return fail("expected a client certificate and its key, got one of them");
  return (
    credentialOf(textAt(user, "token"), certificate, key) ??
    fail("its user has neither a token, nor a client certificate, nor a program (exec) that gives one")
  );
}

/** The credential that parts make, of which those that are empty are not there; null for none. */
export function credentialOf(token: string, certificate: string, key: string): Credential | null {
  const hasCertificate = certificate !== "" && key !== "";
  if (token === "" && !hasCertificate) return null;
  return { ...(token === "" ? {} : { token }), ...(hasCertificate ? { certificate, key } : {}) };
}

function programIn(exec: ValueMap, fail: Fail): CredentialProgram {
  const [apiVersion, command] = [textAt(exec, "apiVersion"), textAt(exec, "command")];
  if (!/^client\.authentication\.k8s\.io\/v1(?:beta1)?$/.test(apiVersion) || command === "")
    return fail("exec: expected a command, and the apiVersion client.authentication.k8s.io/v1 or v1beta1");
  if (/[\\/]/.test(command) && !isAbsolute(command))
    return fail(
      "exec: expected a command on PATH or an absolute path, got a path that may lead into the repository",
      "anyone who can commit could put another program there: name it by its absolute path",
      "UNTRUSTED_SOURCE",
    );
  const [args, env] = [exec["args"] ?? [], exec["env"] ?? []];
  if (!Array.isArray(args) || !args.every((arg) => typeof arg === "string") || !Array.isArray(env))
    return fail("exec: expected lists of args and env");
  const named = env.filter((entry) => textAt(entry, "name") !== "");
  const variables = Object.fromEntries(named.map((entry) => [textAt(entry, "name"), textAt(entry, "value")]));
  return { apiVersion, command, args, env: variables };
}
