import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DeployError } from "../errors.ts";
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
  /** How long it may take for what only reads, in seconds; {@link HELM_SECONDS} where left out. */
  readonly seconds?: number | undefined;
}

/** How long Helm may render, rehearse or read, in seconds. */
export const HELM_SECONDS = 300;
/** What Helm may take of memory, in bytes. */
const MOST_MEMORY = 4 * 1024 * 1024 * 1024;

/** The descriptor of Helm's that holds a chart which is in memory alone. */
export const CHART_DESCRIPTOR = 3;

/** Where Helm finds a chart. */
export interface ChartPlace {
  /** Its folder, or the path of Helm's own descriptor. */
  readonly path: string;
  /** What Helm is to have as that descriptor; undefined for a folder. */
  readonly descriptor?: number;
}

/** What a run of Helm is given. */
export interface HelmRun {
  /** The chart that the arguments name, where it is given one. */
  readonly chart?: ChartPlace | undefined;
  /** Goes to it on standard input. */
  readonly input?: string | undefined;
  /**
   * Whether it changes the cluster: then it is not killed in the middle, and bounds its own time.
   */
  readonly changes?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What a chart is rendered from. */
export interface Rendering {
  readonly release: string;
  readonly namespace: string;
  /** Of the Kubernetes that it is for, such as `1.33`; null for the one that Helm was built for. */
  readonly kubeVersion: string | null;
  readonly chart: ChartPlace;
  /** Goes to Helm on standard input. */
  readonly values: string;
  /**
   * Whether the values were found to be as the charts' JSON Schemas say, and need no second look.
   */
  readonly validated?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Version {
  readonly major: 3 | 4;
  readonly minor: number;
}

/** Helm's advice is for who runs it by hand; what --debug shows holds secrets. */
const DEBUG_ADVICE = /[\s,;]*use --debug flag to render out invalid yaml\.?/gi;

/** Helm, as a program in a home of its own: no repositories, plugins or settings of the user's. */
export class Helm {
  readonly #options: HelmOptions;
  readonly #env: NodeJS.ProcessEnv;
  #version: Promise<Version> | undefined;

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
  async version(): Promise<3 | 4> {
    return (await this.#whole()).major;
  }

  #whole(): Promise<Version> {
    return (this.#version ??= this.#askVersion());
  }

  /**
   * Whether it can be told to leave JSON Schemas out: from 3.16 on.
   *
   * @throws DeployError as `version` does
   */
  async skipsSchemas(): Promise<boolean> {
    const { major, minor } = await this.#whole();
    return major > 3 || minor >= 16;
  }

  /**
   * The objects that a chart renders, as text.
   *
   * @throws DeployError TOOL_FAILED with Helm's reason, without secrets; INTERRUPTED; as `version`
   */
  async template({ release, namespace, kubeVersion, chart, values, validated, signal }: Rendering): Promise<string> {
    const args = ["template", release, chart.path, "--namespace", namespace, "--include-crds", "--values", "-"];
    if (kubeVersion !== null) args.push("--kube-version", kubeVersion);
    if (validated === true && (await this.skipsSchemas())) args.push("--skip-schema-validation");
    return this.run(args, "the chart cannot be rendered", { input: values, chart, signal });
  }

  /**
   * Runs Helm, and gives what it prints, raw: secrets may be in it.
   *
   * @throws DeployError TOOL_FAILED where it fails: `failure`, and Helm's reason without secrets;
   * INTERRUPTED; as `version`
   */
  async run(args: readonly string[], failure: string, options: HelmRun = {}): Promise<string> {
    await this.version();
    const { status, stdout, stderr, ended } = await this.#start(args, options);
    if (status === 0 && ended === undefined) return stdout;
    const reason = ended === undefined ? this.#reason(stderr) : `${ended}, and was ended`;
    throw new DeployError("TOOL_FAILED", `${failure}: ${reason}`);
  }

  async #askVersion(): Promise<Version> {
    const { status, stdout } = await this.#start(["version", "--template", "{{.Version}}"]);
    const [, major, minor] = /^v?(\d+)\.(\d+)\.\d+/.exec(stdout.trim()) ?? [];
    if (status === 0 && (major === "3" || major === "4")) return { major: major === "3" ? 3 : 4, minor: Number(minor) };
    const got = major === undefined ? "a program that tells no version" : `version ${major}`;
    throw new DeployError("UNSUPPORTED_TOOL", `expected Helm 3 or 4, got ${got}`, {
      hint: "install Helm, or name its program in $HELM",
    });
  }

  #start(args: readonly string[], { chart, ...run }: HelmRun = {}): Promise<ToolResult> {
    const { program, seconds = HELM_SECONDS } = this.#options;
    return runTool({
      program,
      args,
      env: this.#env,
      seconds,
      memory: MOST_MEMORY,
      descriptor: chart?.descriptor,
      ...run,
    });
  }

  /** What Helm says on stderr, bounded, without secrets, warnings and control characters. */
  #reason(stderr: string): string {
    // What Go tells of its goroutines then is for its authors.
    if (/^(?:fatal error: |runtime: out of memory)/m.test(stderr))
      return /out of memory|cannot allocate/.test(stderr)
        ? `it needed more than ${MOST_MEMORY} bytes of memory`
        : "it broke down";
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
