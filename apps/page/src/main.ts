import { serveJobs } from "./jobs.ts";
import { startPage } from "./page.ts";

// The worker is made of the same text: see worker-client.ts.
if (typeof document === "undefined") serveJobs();
else startPage();
