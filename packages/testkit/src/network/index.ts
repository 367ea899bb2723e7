export { mintCertificate, type CertificateOptions, type MintedCertificate } from "./certificates.ts";
export { startProxy, type ConnectProxy, type ProxyOptions } from "./proxy.ts";
export { startTlsServer, type TlsBehaviour, type TlsServer, type TlsServerOptions } from "./tls-server.ts";
