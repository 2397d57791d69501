/** Where a field is. Written out only when an error names it: a valid object costs one small node a field. */
export class Path {
  readonly #parent: Path | undefined;
  readonly #step: string;

  private constructor(parent: Path | undefined, step: string) {
    this.#parent = parent;
    this.#step = step;
  }

  static of(first: string, ...names: string[]): Path {
    let path = new Path(undefined, first);
    for (const name of names) path = new Path(path, `.${name}`);
    return path;
  }

  /** `spec` with `template`, `metadata` is `spec.template.metadata`. */
  child(name: string, ...more: string[]): Path {
    let path = new Path(this, `.${name}`);
    for (const next of more) path = new Path(path, `.${next}`);
    return path;
  }

  /** A list's element: `spec.containers[0]`. */
  index(position: number): Path {
    return new Path(this, `[${position}]`);
  }

  /** A map's entry: `metadata.labels[app]`. */
  key(name: string): Path {
    return new Path(this, `[${name}]`);
  }

  toString(): string {
    let text = this.#step;
    for (let path = this.#parent; path; path = path.#parent) text = path.#step + text;
    return text;
  }
}
