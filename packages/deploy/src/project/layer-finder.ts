import type { Chart } from "../charts/chart.ts";
import { globOf } from "../files/glob.ts";
import type { Tree } from "../files/tree.ts";
import { remember } from "../remember.ts";
import { Layer, type LayerDecrypter, type LayerRole } from "../values/layer.ts";
import type { LayerSetting } from "./settings.ts";

/** What the settings of a release name. */
export interface FoundLayers {
  /** Lowest first, the chart's own before all. */
  readonly layers: readonly Layer[];
  /** By each setting that names no one file for sure, the files that it is. */
  readonly matched: ReadonlyMap<string, readonly string[]>;
}

/** Finds the layers that settings name. The same file is the same layer, no matter who has it. */
export class LayerFinder {
  readonly #tree: Tree;
  readonly #decrypter: LayerDecrypter;
  readonly #layers = new Map<string, Layer>();

  constructor(tree: Tree, decrypter: LayerDecrypter) {
    this.#tree = tree;
    this.#decrypter = decrypter;
  }

  /** A file that must be there and is not becomes a layer, which tells so once it is read. */
  find({ defaults }: Chart, ...groups: readonly (readonly [readonly LayerSetting[], LayerRole])[]): FoundLayers {
    const matched = new Map<string, readonly string[]>();
    const layers = groups.flatMap(([settings, role]) =>
      settings.flatMap((setting) => {
        const path = typeof setting === "string" ? setting : setting.ifThere;
        const paths = this.#pathsOf(path);
        if (typeof setting !== "string" || path.includes("*")) matched.set(path, paths);
        return paths.length === 0 && typeof setting === "string"
          ? this.#layer(path, role)
          : paths.map((one) => this.#layer(one, role));
      }),
    );
    return { layers: defaults === null ? layers : [defaults, ...layers], matched };
  }

  #layer(path: string, role: LayerRole): Layer {
    return remember(this.#layers, `${role} ${path}`, () => new Layer(this.#tree, path, role, this.#decrypter));
  }

  #pathsOf(path: string): string[] {
    if (!path.includes("*")) return this.#tree.find(path) === undefined ? [] : [path];
    // Only `*` is special.
    const fits = globOf(path.replaceAll(/[\\?[\]]/g, String.raw`\$&`)) ?? (() => false);
    return [...this.#tree.files()].map((file) => file.path).filter(fits);
  }
}
