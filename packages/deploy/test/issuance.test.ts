import { describe, expect, test } from "vitest";
import { issuanceOf } from "../src/verify/issuance.ts";
import type { KubernetesObject } from "../src/cluster/api.ts";
import { tlsHostsOf } from "../src/verify/ingress.ts";

const NAMESPACE = "prod";

function object(kind: string, name: string, rest: object = {}, owner = "", revision = ""): KubernetesObject {
  const ownerReferences = owner === "" ? [] : [{ kind: "Owner", uid: `uid-${owner}`, name: owner, controller: true }];
  return {
    kind,
    metadata: {
      name,
      namespace: NAMESPACE,
      uid: `uid-${name}`,
      annotations: revision === "" ? {} : { "cert-manager.io/certificate-revision": revision },
      ownerReferences,
    },
    ...rest,
  };
}

const notReady = (reason: string, message: string): object => ({
  conditions: [{ type: "Ready", status: "False", reason, message }],
});
const ready: object = { conditions: [{ type: "Ready", status: "True", reason: "Ready" }] };
const spec = { secretName: "hub-tls", issuerRef: { name: "letsencrypt", kind: "Issuer" } };
const secret = { namespace: NAMESPACE, name: "hub-tls" };

describe("what cert-manager says of a Secret", () => {
  test("is nothing where it does not look after it", () => {
    expect(issuanceOf(secret, [object("Certificate", "other", { spec: { secretName: "other" } })])).toBeNull();
  });

  test("is its times where all is well", () => {
    const status = { ...ready, notAfter: "2030-04-01T00:00:00Z", renewalTime: "2030-03-02T00:00:00Z" };
    expect(issuanceOf(secret, [object("Certificate", "hub", { spec, status })])).toEqual({
      namespace: NAMESPACE,
      name: "hub",
      ready: true,
      notAfter: new Date("2030-04-01T00:00:00Z"),
      renewalTime: new Date("2030-03-02T00:00:00Z"),
      failedAttempts: 0,
      stuck: [],
    });
  });

  test("leads from the Certificate down to the Challenge that fails, of the newest attempt", () => {
    const objects = [
      object("Certificate", "hub", { spec, status: notReady("DoesNotExist", "Secret does not exist") }),
      object("Issuer", "letsencrypt", { status: ready }),
      object("CertificateRequest", "hub-1", { status: ready }, "hub", "1"),
      object("CertificateRequest", "hub-2", { status: notReady("Pending", "Waiting on order") }, "hub", "2"),
      object("Order", "hub-2-1", { status: { state: "pending" } }, "hub-2"),
      object("Challenge", "hub-2-1-a", { status: { state: "valid" } }, "hub-2-1"),
      object(
        "Challenge",
        "hub-2-1-b",
        { status: { state: "pending", reason: "wrong status code '404', expected '200'" } },
        "hub-2-1",
      ),
    ];
    expect(issuanceOf(secret, objects)?.stuck.map(({ kind, name, state }) => `${kind} ${name} ${state}`)).toEqual([
      "Certificate hub DoesNotExist",
      "CertificateRequest hub-2 Pending",
      "Order hub-2-1 pending",
      "Challenge hub-2-1-b pending",
    ]);
  });

  test("tells of an issuer that is not ready", () => {
    const objects = [
      object("Certificate", "hub", { spec, status: notReady("DoesNotExist", "") }),
      object("Issuer", "letsencrypt", { status: notReady("ErrRegisterACMEAccount", "account is not there") }),
    ];
    expect(issuanceOf(secret, objects)?.stuck.at(-1)).toMatchObject({
      kind: "Issuer",
      state: "ErrRegisterACMEAccount",
      message: "account is not there",
    });
  });

  test("tells of a ClusterIssuer that is not ready, and not of an Issuer of another namespace", () => {
    const status = { status: notReady("ErrRegisterACMEAccount", "account is not there") };
    const certificate = { ...spec, issuerRef: { name: "letsencrypt", kind: "ClusterIssuer" } };
    const wide = { kind: "ClusterIssuer", metadata: { name: "letsencrypt", uid: "wide" }, ...status };
    const unready = (...objects: object[]): unknown =>
      issuanceOf(secret, [
        object("Certificate", "hub", { spec: certificate, status: notReady("DoesNotExist", "") }),
        ...(objects as KubernetesObject[]),
      ])?.stuck.at(-1);
    expect(unready(object("Issuer", "letsencrypt", status))).toMatchObject({ kind: "Certificate" });
    expect(unready(wide)).toMatchObject({ kind: "ClusterIssuer", message: "account is not there" });
    certificate.issuerRef = { name: "letsencrypt", kind: "Issuer" };
    const elsewhere = { ...wide, kind: "Issuer", metadata: { name: "letsencrypt", namespace: "elsewhere", uid: "x" } };
    expect(unready(elsewhere)).toMatchObject({ kind: "Certificate" });
  });

  test("tells of a renewal that failed while the old certificate is still good", () => {
    const conditions = [
      { type: "Ready", status: "True", reason: "Ready" },
      { type: "Issuing", status: "False", reason: "Failed", message: "The certificate request has failed" },
    ];
    const status = { conditions, failedIssuanceAttempts: 3 };
    expect(issuanceOf(secret, [object("Certificate", "hub", { spec, status })])).toMatchObject({
      ready: true,
      failedAttempts: 3,
      stuck: [{ kind: "Certificate", state: "Failed", message: "The certificate request has failed" }],
    });
  });
});

describe("the TLS hosts of a cluster", () => {
  test("are those of its Ingresses, a wildcard asked for by a name that it covers", () => {
    const ingress = object("Ingress", "edge", {
      spec: {
        tls: [
          { secretName: "wildcard", hosts: ["*.ovh.example.org"] },
          { secretName: "shared", hosts: ["gke.example.org"] },
          { secretName: "lonely", hosts: ["*.lonely.example.org"] },
        ],
        rules: [{ host: "a.b.ovh.example.org" }, { host: "hub.ovh.example.org" }, { host: "gke.example.org" }],
      },
    });
    const again = object("Ingress", "other", {
      spec: { tls: [{ secretName: "shared" }], rules: [{ host: "gke.example.org" }] },
    });
    const hosts = tlsHostsOf([ingress, again, object("Service", "edge")]);
    expect(hosts.map(({ host, askFor, secret: name }) => `${host} ${askFor} ${name}`)).toEqual([
      "*.ovh.example.org hub.ovh.example.org wildcard",
      "gke.example.org gke.example.org shared",
      "*.lonely.example.org any-name.lonely.example.org lonely",
    ]);
  });
});
