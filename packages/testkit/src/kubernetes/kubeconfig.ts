/** How a user proves who it is. */
export type KubernetesCredentials =
  | { readonly certificate: string; readonly key: string }
  | { readonly token: string }
  /** A program that prints an `ExecCredential`. */
  | {
      readonly exec: {
        readonly command: string;
        readonly args?: readonly string[];
        readonly env?: Readonly<Record<string, string>>;
      };
    };

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function userOf(credentials: KubernetesCredentials): object {
  if ("token" in credentials) return { token: credentials.token };
  if ("certificate" in credentials)
    return { "client-certificate-data": base64(credentials.certificate), "client-key-data": base64(credentials.key) };
  const { command, args = [], env = {} } = credentials.exec;
  return {
    exec: {
      apiVersion: "client.authentication.k8s.io/v1",
      command,
      args,
      env: Object.entries(env).map(([name, value]) => ({ name, value })),
      interactiveMode: "Never",
      provideClusterInfo: false,
    },
  };
}

/** A kubeconfig of one cluster and one user. */
export const kubeconfigText = (server: string, authority: string, credentials: KubernetesCredentials): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": base64(authority) } }],
    users: [{ name: "test", user: userOf(credentials) }],
  });
