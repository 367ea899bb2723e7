import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DeployError } from "../errors.ts";
import { controllerWith, sharedSignal } from "../parallel.ts";
import { runTool, type ToolResult } from "../tool.ts";
import { apiVersionsOf } from "./api-versions.ts";

/** What Helm is started with. */
export interface HelmOptions {
  /** The program: a path, or a name on $PATH. */
  readonly program: string;
  /** A folder of its own, in which Helm keeps everything. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** The file that says how to reach the cluster; it can be reached only where this is given. */
  readonly kubeconfig?: FilePlace;
  /**
   * Takes out of a text what must not be in a message: of one that is `plain`, since it depends on
   * no secret, only what surely is one.
   */
  readonly redact: (text: string, plain: boolean) => string;
  /** The same program, which tells its version once for both. */
  readonly sameAs?: Helm | undefined;
  /** How long it may take for what only reads, in seconds; {@link HELM_SECONDS} where left out. */
  readonly seconds?: number | undefined;
}

/** How long Helm may render, rehearse or read, in seconds. */
export const HELM_SECONDS = 300;
/** What Helm may take of memory, in bytes. */
const MOST_MEMORY = 4 * 1024 * 1024 * 1024;

/** The descriptors of Helm's that hold a chart, or a kubeconfig, which is in memory alone. */
export const CHART_DESCRIPTOR = 3;
export const KUBECONFIG_DESCRIPTOR = 4;

/** Where Helm finds a file, or a folder. */
export interface FilePlace {
  /** Of what is in memory alone, the path of Helm's own descriptor. */
  readonly path: string;
  /** What Helm is to have as that descriptor; undefined for what has a path of its own. */
  readonly descriptor?: number;
}

/** Where Helm finds a chart: a folder, or an archive. */
export type ChartPlace = FilePlace;

/** What a run of Helm is given. */
export interface HelmRun {
  /** The chart that the arguments name, where it is given one. */
  readonly chart?: ChartPlace | undefined;
  /** Goes to it on standard input. */
  readonly input?: string | undefined;
  /**
   * Whether it changes the cluster: then it is not killed in the middle, and bounds its own time by
   * what `releases/limits.ts` says.
   */
  readonly changes?: boolean;
  /**
   * Whether it tells its version meanwhile: it changes nothing, and any version takes the
   * arguments.
   */
  readonly meanwhile?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What a chart is rendered from. */
export interface Rendering {
  readonly release: string;
  readonly namespace: string;
  /** Of the Kubernetes that it is for, such as `1.33`; null for the one that Helm was built for. */
  readonly kubeVersion: string | null;
  /** What its cluster has beside the APIs of Kubernetes. */
  readonly apiVersions: readonly string[];
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

/** What Go tells of its goroutines then is for its authors. Null where it did not break down. */
function breakdownIn(stderr: string): string | null {
  if (!/^(?:fatal error: |runtime: out of memory)/m.test(stderr)) return null;
  return /out of memory|cannot allocate/.test(stderr)
    ? `it needed more than ${MOST_MEMORY} bytes of memory`
    : "it broke down";
}

/** How Helm's words are told by what is known as secret then; none for words of ours. */
const retellings = new WeakMap<DeployError, (plain: boolean) => string>();

/** Whether what failed is told without a word of Helm's, such as that it took too long. */
export const isOwnWords = (error: DeployError): boolean => !retellings.has(error);

/**
 * A failure of Helm's, without what has become known as secret since it was told first.
 *
 * @param plain whether what Helm says depends on no secret: then ordinary words stay in it
 */
export const retold = (error: DeployError, { plain = false }: { readonly plain?: boolean } = {}): DeployError =>
  new DeployError(error.code, retellings.get(error)?.(plain) ?? error.message, { hint: error.hint });

/** Helm, as a program in a home of its own: no repositories, plugins or settings of the user's. */
export class Helm {
  readonly #options: HelmOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #over = new AbortController();
  readonly #running = new Set<Promise<ToolResult>>();
  #version: Promise<Version> | undefined;

  constructor(options: HelmOptions) {
    this.#options = options;
    const { env, home, kubeconfig = { path: join(home, "no-kubeconfig") } } = options;
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
      KUBECONFIG: kubeconfig.path,
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
    const { sameAs } = this.#options;
    return (this.#version ??= sameAs === undefined ? this.#askVersion() : sameAs.#whole());
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
  async template(rendering: Rendering): Promise<string> {
    const { release, namespace, kubeVersion, apiVersions, chart, values, validated, signal } = rendering;
    const args = ["template", release, chart.path, "--namespace", namespace, "--include-crds", "--values", "-"];
    if (kubeVersion !== null) args.push("--kube-version", kubeVersion);
    args.push("--api-versions", apiVersionsOf(kubeVersion, apiVersions).join(","));
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
    const { status, stdout, stderr, ended } = await this.#startKnown(args, options);
    if (status === 0 && ended === undefined) return stdout;
    const own = ended ?? breakdownIn(stderr);
    const tell = (plain: boolean): string => `${failure}: ${own ?? this.#reason(stderr, plain)}`;
    const error = new DeployError("TOOL_FAILED", tell(false));
    if (own === null) retellings.set(error, tell);
    throw error;
  }

  /** Where its version is none that is supported, what was started meanwhile is ended. */
  async #startKnown(args: readonly string[], { meanwhile = false, ...run }: HelmRun): Promise<ToolResult> {
    if (!meanwhile) await this.version();
    const { signal, abort } = controllerWith(run.signal);
    const known = this.version().catch((error: unknown) => {
      abort();
      throw error;
    });
    const [result] = await Promise.all([this.#start(args, { ...run, signal }), known]);
    return result;
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

  /**
   * Ends what still reads for nobody, and waits for all that runs: without its kubeconfig, Helm
   * asks a cluster on this very machine. Nothing is started any more.
   */
  async end(): Promise<void> {
    this.#over.abort();
    await Promise.allSettled(this.#running);
  }

  async #start(args: readonly string[], { chart, signal, ...run }: HelmRun = {}): Promise<ToolResult> {
    const { program, kubeconfig, seconds = HELM_SECONDS } = this.#options;
    const running = runTool({
      ifMissing: "install it; $HELM says where Helm is",
      program,
      args,
      env: this.#env,
      seconds,
      memory: MOST_MEMORY,
      descriptors: [chart?.descriptor, kubeconfig?.descriptor],
      signal: run.changes === true ? signal : sharedSignal(this.#over.signal, signal),
      ...run,
    });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** What Helm says on stderr, bounded, without secrets, warnings and control characters. */
  #reason(stderr: string, plain: boolean): string {
    const lines = stderr
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !/^(?:WARNING|warning|\d{4}\/\d\d\/\d\d|level=|time=|I\d{4} )/.test(line));
    const text = lines
      .join(" ")
      .replace(/^Error: /, "")
      .replace(DEBUG_ADVICE, "");
    const said = this.#options.redact(text, plain);
    return said.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ").slice(0, 2000) || "it did not say why";
  }
}
