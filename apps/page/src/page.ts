import { area, box, input } from "./dom.ts";
import { holdsPrivateKey, readQuery } from "./forges.ts";
import { forgetRequest, startRequest, wipeOpened } from "./request-view.ts";
import { startSeal, wipe } from "./seal-view.ts";
import { chooseFromLink, startWho } from "./who-view.ts";

const VIEWS = ["seal", "request", "open"] as const;
type View = (typeof VIEWS)[number];

/** Makes the page work. In another page's frame it stays shut: a click there may be guided. */
export function startPage(): void {
  if (window.top !== window.self) {
    box("framed").hidden = false;
    return;
  }
  startWho();
  startSeal();
  startRequest();
  box("insecure").hidden = window.isSecureContext;
  box("main").hidden = false;
  addEventListener("hashchange", followAddress);
  // What a browser keeps of a page that was left must not hold a secret.
  addEventListener("pagehide", () => {
    wipe();
    wipeOpened();
    forgetRequest();
    area("keys").value = "";
    input("name").value = "";
  });
  followAddress();
}

/** `#request`, `#open`, or whom to seal to: `#choldgraf`, `#gitlab:name`, `#age1…`. */
function followAddress(): void {
  const hash = decoded(location.hash.slice(1));
  const view = hash === "request" || hash === "open" ? hash : "seal";
  show(view);
  if (view !== "seal" || hash === "" || hash === "seal") return;
  // A link names one account, or one key of a request: nothing else may come from an address.
  const query = readQuery(hash);
  const isKey = query.kind === "keys" && /^age1[a-z0-9]{1,4000}$/.test(hash);
  if (isKey || (query.kind !== "keys" && !holdsPrivateKey(hash))) void chooseFromLink(hash);
}

function show(view: View): void {
  for (const name of VIEWS) box(name).hidden = name !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link instanceof HTMLElement && link.dataset["view"] === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text).slice(0, 4096);
  } catch {
    return "";
  }
}
