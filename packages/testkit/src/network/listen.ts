import type { AddressInfo, Server } from "node:net";

/** Lets a server listen on a free port of 127.0.0.1. */
export const listen = (server: Server): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    // A server that listens on a port has an AddressInfo; a string is the name of a pipe.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    server.listen(0, "127.0.0.1", () => resolve(server.address() as AddressInfo));
  });
