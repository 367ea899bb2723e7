/* Looking at what runs. */
export { type CertificateFacts, type Life, lifetimeOf, tellLifetime } from "./certificate.ts";
export { type CertificateOptions, inspectCertificates } from "./certs.ts";
export { type ClientCredential, inspectCredential } from "./client-credential.ts";
export { inspectFederation } from "./federation.ts";
export type { HostCertificate } from "./served-certificate.ts";
export { type Verification, verifyEnvironment } from "./verify.ts";
