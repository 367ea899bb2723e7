import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DeployError } from "../errors.ts";
import { type Manifest, readManifests } from "./manifests.ts";
import { runTool, type ToolResult } from "../tool.ts";

/** What Helm is started with. */
export interface HelmOptions {
  /** The program: a path, or a name on $PATH. */
  readonly program: string;
  /** A folder of its own, in which Helm keeps everything. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** The file that says how to reach the cluster; it can be reached only where this is given. */
  readonly kubeconfig?: string;
  /** Takes out of a text what must not be in a message. */
  readonly redact: (text: string) => string;
}

/** What a chart is rendered from. */
export interface Rendering {
  readonly release: string;
  readonly namespace: string;
  /** Of the Kubernetes that it is for, such as `1.33`; null for the one that Helm was built for. */
  readonly kubeVersion: string | null;
  /** The chart's folder. */
  readonly chart: string;
  /** Goes to Helm on standard input. */
  readonly values: string;
  readonly signal?: AbortSignal | undefined;
}

/** Helm's advice is for who runs it by hand; what --debug shows holds secrets. */
const DEBUG_ADVICE = /[\s,;]*use --debug flag to render out invalid yaml\.?/gi;

/** Helm, as a program in a home of its own: no repositories, plugins or settings of the user's. */
export class Helm {
  readonly #options: HelmOptions;
  readonly #env: NodeJS.ProcessEnv;
  #version: Promise<3 | 4> | undefined;

  constructor(options: HelmOptions) {
    this.#options = options;
    const { env, home, kubeconfig = join(home, "no-kubeconfig") } = options;
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const others = Object.entries(env).filter(([name]) => !/^(?:HELM|KUBE)/.test(name));
    this.#env = {
      // Helm runs for a moment, and collects garbage for a sixth of it: let it lie for longer.
      GOGC: "400",
      ...Object.fromEntries(others),
      HELM_CACHE_HOME: join(home, "cache"),
      HELM_CONFIG_HOME: join(home, "config"),
      HELM_DATA_HOME: join(home, "data"),
      HELM_PLUGINS: join(home, "plugins"),
      KUBECONFIG: kubeconfig,
      KUBECACHEDIR: join(home, "kube-cache"),
    };
  }

  /**
   * The first number of Helm's version: 3 or 4.
   *
   * @throws DeployError TOOL_MISSING, UNSUPPORTED_TOOL
   */
  version(): Promise<3 | 4> {
    return (this.#version ??= this.#askVersion());
  }

  /**
   * The objects that a chart renders.
   *
   * @throws DeployError TOOL_FAILED with Helm's reason, without secrets; INTERRUPTED; as `version`
   */
  async template({ release, namespace, kubeVersion, chart, values, signal }: Rendering): Promise<readonly Manifest[]> {
    const args = ["template", release, chart, "--namespace", namespace, "--include-crds", "--values", "-"];
    if (kubeVersion !== null) args.push("--kube-version", kubeVersion);
    return readManifests(await this.run(args, "the chart cannot be rendered", { input: values, signal }));
  }

  /**
   * Runs Helm, and gives what it prints, raw: secrets may be in it.
   *
   * @throws DeployError TOOL_FAILED where it fails: `failure`, and Helm's reason without secrets;
   * INTERRUPTED; as `version`
   */
  async run(
    args: readonly string[],
    failure: string,
    { input, signal }: { readonly input?: string; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<string> {
    await this.version();
    const result = await this.#start(args, input, signal);
    if (result.status === 0) return result.stdout;
    throw new DeployError("TOOL_FAILED", `${failure}: ${this.#reason(result.stderr)}`);
  }

  async #askVersion(): Promise<3 | 4> {
    const { status, stdout } = await this.#start(["version", "--template", "{{.Version}}"]);
    const [, major] = /^v?(\d+)\.\d+\.\d+/.exec(stdout.trim()) ?? [];
    if (status === 0 && (major === "3" || major === "4")) return major === "3" ? 3 : 4;
    const got = major === undefined ? "a program that tells no version" : `version ${major}`;
    throw new DeployError("UNSUPPORTED_TOOL", `expected Helm 3 or 4, got ${got}`, {
      hint: "install Helm, or name its program in $HELM",
    });
  }

  #start(args: readonly string[], input?: string, signal?: AbortSignal): Promise<ToolResult> {
    const { program } = this.#options;
    return runTool({ program, args, env: this.#env, input, signal });
  }

  /** What Helm says on stderr, bounded, without secrets, warnings and control characters. */
  #reason(stderr: string): string {
    const lines = stderr
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !/^(?:WARNING|warning|\d{4}\/\d\d\/\d\d|level=|time=|I\d{4} )/.test(line));
    const text = lines
      .join(" ")
      .replace(/^Error: /, "")
      .replace(DEBUG_ADVICE, "");
    const said = this.#options.redact(text);
    return said.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ").slice(0, 2000) || "it did not say why";
  }
}
