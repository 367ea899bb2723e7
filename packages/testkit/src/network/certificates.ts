import { createPrivateKey, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type { JsonGeneralName, X509Certificate } from "@peculiar/x509";

const DAY = 86_400_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** What a certificate is to say. */
export interface CertificateOptions {
  /** Host names and IP addresses; none for an authority or a client. */
  readonly names?: readonly string[];
  /** CN of the subject; the first name where it is left out. */
  readonly commonName?: string;
  /** O of the subject: the groups of a Kubernetes user. */
  readonly organizations?: readonly string[];
  /**
   * In how many days it ends; negative for one that ended already. 90 where it is left out. It
   * began 90 days before its end, and not after now.
   */
  readonly days?: number;
  /** How many days it lives in all; 90 and more where left out. */
  readonly life?: number;
  /** Who signs it; it signs itself where this is left out. */
  readonly issuer?: MintedCertificate;
  /** Whether it may sign others. */
  readonly authority?: boolean;
}

/** A certificate, with its private key. */
export interface MintedCertificate {
  /** The certificate alone, in PEM. */
  readonly certificate: string;
  /** The private key, in PEM (PKCS #8). */
  readonly key: string;
  /** The certificate and those of its issuers, in PEM, without the root: what a server sends. */
  readonly chain: string;
  /** The certificate that all of it hangs on, in PEM: what a client trusts. */
  readonly root: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * The library, loaded only where a certificate is made: most tests make none. It needs the other
 * one to be there first.
 */
async function loadLibrary() {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

const nameOf = (value: string): JsonGeneralName => ({ type: isIP(value) === 0 ? "dns" : "ip", value });

async function extensionsOf(
  { names = [], authority = false }: CertificateOptions,
  publicKey: webcrypto.CryptoKey,
  issuer: X509Certificate | undefined,
) {
  const x509 = await loadLibrary();
  const { keyCertSign, digitalSignature } = x509.KeyUsageFlags;
  return [
    new x509.BasicConstraintsExtension(authority, undefined, true),
    new x509.KeyUsagesExtension(authority ? keyCertSign : digitalSignature, true),
    ...(authority
      ? []
      : [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth])]),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ...(issuer ? [await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey)] : []),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names.map(nameOf))] : []),
  ];
}

/** The private key of an issuer, to sign with. */
async function signingKey({ key }: MintedCertificate): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(key).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
}

const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString("base64")
    .replace(/(.{64})(?!$)/g, "$1\n")}\n-----END ${label}-----\n`;

/**
 * Makes a certificate (X.509, ECDSA on P-256), as a test needs it: past, about to end, for the
 * wrong names, in a chain.
 */
export async function mintCertificate(options: CertificateOptions): Promise<MintedCertificate> {
  const x509 = await loadLibrary();
  const { days = 90, life, issuer, names = [], organizations = [] } = options;
  const pair = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const parent = issuer && new x509.X509Certificate(issuer.certificate);
  const now = Date.now();
  // X.509 has no parts of a second.
  const notAfter = new Date(Math.floor((now + days * DAY) / 1000) * 1000);
  const notBefore =
    life === undefined
      ? new Date(Math.min(notAfter.getTime() - 90 * DAY, Math.floor(now / 1000) * 1000 - 3_600_000))
      : new Date(notAfter.getTime() - life * DAY);
  const subject = new x509.Name([
    { CN: [options.commonName ?? names[0] ?? "test"] },
    ...organizations.map((organization) => ({ O: [organization] })),
  ]);
  const minted = await x509.X509CertificateGenerator.create({
    serialNumber: `01${randomBytes(15).toString("hex")}`,
    subject: subject.toString(),
    issuer: parent?.subject ?? subject.toString(),
    notBefore,
    notAfter,
    publicKey: pair.publicKey,
    signingKey: issuer ? await signingKey(issuer) : pair.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: await extensionsOf(options, pair.publicKey, parent),
  });
  const certificate = pem("CERTIFICATE", new Uint8Array(minted.rawData));
  const issuedByRoot = issuer?.certificate === issuer?.root;
  return {
    certificate,
    key: pem("PRIVATE KEY", new Uint8Array(await webcrypto.subtle.exportKey("pkcs8", pair.privateKey))),
    chain: certificate + (issuer === undefined || issuedByRoot ? "" : issuer.chain),
    root: issuer?.root ?? certificate,
    notBefore,
    notAfter,
  };
}
