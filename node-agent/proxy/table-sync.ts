import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { CommandFailed } from '../../lib/process/run.ts';
import { FlowCleaner, staleFlows } from './conntrack.ts';
import { type Diff, diff, fullUpdate } from './nft/diff.ts';
import { type CommandRunner, observe } from './nft/observe.ts';
import { renderCleanup, renderReplacement, renderScript } from './nft/render.ts';
import type { NftTable, Ruleset } from './nft/ruleset.ts';
import { assemble, type RulesOptions, type ServiceState, serviceRules } from './ruleset.ts';
import type { Fragment, UdpFlows } from './service-rules.ts';

/** A chain that nothing refers to any more is deleted this much later (see Diff.staleChains). */
const staleAfterMs = 1000;

/**
 * One table in the kernel, kept equal to the rules for the Services. It knows what it wrote last; when a write fails
 * it knows nothing, and the next one is a full update against what the kernel then holds.
 */
export class TableSync {
  readonly #table: NftTable;
  readonly #run: CommandRunner;
  readonly #log: Logger;
  readonly #flows: FlowCleaner;
  readonly #fragments = new Map<string, Fragment[]>();
  readonly #stale = new Map<string, number>();
  #written: Ruleset | undefined;
  #writtenFlows: UdpFlows[] = [];
  #failures = 0;

  constructor(table: NftTable, run: CommandRunner, log: Logger) {
    this.#table = table;
    this.#run = run;
    this.#log = log;
    this.#flows = new FlowCleaner(run, log);
  }

  /** Whether the next sync has something to do even if no Service changed. */
  nextStaleAtMs(): number | undefined {
    const times = [...this.#stale.values()];
    return times.length ? Math.min(...times) + staleAfterMs : undefined;
  }

  /** The next sync compares with the kernel, not with what was written last. */
  forget(): void {
    this.#written = undefined;
  }

  /** Works the changed Services into the rules that the next `sync` writes. */
  update(changed: Iterable<[string, ServiceState | undefined]>, options: RulesOptions): void {
    for (const [key, state] of changed) {
      const fragments = state ? serviceRules(state, options) : [];
      if (fragments.length) this.#fragments.set(key, fragments);
      else this.#fragments.delete(key);
    }
  }

  /** Throws when the kernel did not take the rules; then it holds what it held before. */
  async sync(options: RulesOptions, nowMs: number, signal: AbortSignal): Promise<void> {
    const keys = [...this.#fragments.keys()].sort();
    const fragments = keys.flatMap((key) => this.#fragments.get(key) ?? []);
    const ruleset = assemble(fragments, options);
    try {
      await this.#write(ruleset, nowMs, signal);
    } catch (error) {
      this.#written = undefined;
      this.#failures++;
      throw error;
    }
    this.#failures = 0;
    this.#written = ruleset;
    const flows = fragments.flatMap((fragment) => fragment.udp ?? []);
    const stale = staleFlows(this.#table.family, this.#writtenFlows, flows);
    this.#writtenFlows = flows;
    await this.#flows.clean(stale, signal);
  }

  /** Removes the table. */
  async cleanup(signal: AbortSignal): Promise<void> {
    await this.#nft(renderCleanup(this.#table), signal);
    this.#written = undefined;
    this.#stale.clear();
  }

  async #write(ruleset: Ruleset, nowMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#written) return await this.#writeAll(ruleset, nowMs, signal);
    await this.#deleteStale(ruleset, nowMs, signal);
    const changes = diff(this.#written, ruleset);
    // A chain that waits for its deletion still exists: it is taken up again as it is.
    if (changes.commands.length > 0) await this.#nft(renderScript(this.#table, changes.commands), signal);
    this.#note(changes, ruleset, nowMs);
  }

  async #writeAll(ruleset: Ruleset, nowMs: number, signal: AbortSignal): Promise<void> {
    if (this.#failures > 1) {
      // What is there is of another shape than we would give it, so that it goes as a whole.
      const { commands } = fullUpdate({ chains: [], sets: [] }, ruleset);
      await this.#nft(renderReplacement(this.#table, commands), signal);
      this.#stale.clear();
      return;
    }
    const observed = await observe(this.#run, this.#table, signal);
    const changes = fullUpdate(observed, ruleset);
    await this.#nft(renderScript(this.#table, changes.commands), signal);
    this.#note(changes, ruleset, nowMs);
  }

  #note(changes: Diff, ruleset: Ruleset, nowMs: number): void {
    for (const name of changes.staleChains) this.#stale.set(name, nowMs);
    for (const name of this.#stale.keys()) if (ruleset.chains.has(name)) this.#stale.delete(name);
  }

  async #deleteStale(ruleset: Ruleset, nowMs: number, signal: AbortSignal): Promise<void> {
    const due = [...this.#stale]
      .filter(([name, since]) => !ruleset.chains.has(name) && since + staleAfterMs <= nowMs)
      .map(([name]) => name);
    if (due.length === 0) return;
    for (const name of due) this.#stale.delete(name);
    const commands = due.map((name) => ({ do: 'deleteChain', name }) as const);
    try {
      await this.#nft(renderScript(this.#table, commands), signal);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      // They are empty and do no harm; once more later.
      this.#log.debug({ error: messageOf(error) }, 'chains that nothing uses were not deleted');
      for (const name of due) this.#stale.set(name, nowMs);
    }
  }

  async #nft(script: string, signal: AbortSignal): Promise<void> {
    await this.#run('nft', ['-f', '-'], { input: script, signal, timeoutMs: 30_000 });
  }
}
