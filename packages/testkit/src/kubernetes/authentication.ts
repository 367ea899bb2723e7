import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { unauthorized } from "./failures.ts";
import type { KubernetesState, KubernetesUser } from "./state.ts";

const texts = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat());

/**
 * Who a client certificate is for: the user in CN, the groups in O. One of another authority, or
 * out of its time, is nobody.
 */
function certified(socket: unknown): KubernetesUser | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const { subject } = socket.getPeerCertificate();
  if (subject === undefined) return undefined;
  if (!socket.authorized) throw unauthorized();
  return { username: texts(subject.CN)[0] ?? "", groups: texts(subject.O) };
}

/**
 * Finds out who makes a request, by the client certificate or the bearer token. Throws a Refusal,
 * 401, where nobody can be told.
 */
export function authenticate({ tokens }: KubernetesState, request: IncomingMessage): KubernetesUser {
  const token = /^bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const user = (token === undefined ? undefined : tokens.get(token)) ?? certified(request.socket);
  if (user === undefined) throw unauthorized();
  return { username: user.username, groups: [...(user.groups ?? []), "system:authenticated"] };
}

/** The paths that everybody may ask, without saying who it is. */
export const isPublic = (path: string): boolean => /^\/(version|healthz|livez|readyz)\/?$/.test(path);
