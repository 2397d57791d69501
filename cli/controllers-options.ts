import { type Command, InvalidArgumentError, Option } from 'commander';
import { controllerEntries } from '../functions/controllers/index.ts';
import { selectControllers } from '../functions/controllers/select.ts';
import { durationMs } from './options.ts';

/** kube-controller-manager's flags of the same names. */
export interface ControllersFlags {
  controllers?: string[];
  clusterSigningDuration: number;
}

export function addControllersOptions(command: Command): Command {
  const names = controllerEntries.map(({ name }) => name);
  return command
    .addOption(
      new Option(
        '--cluster-signing-duration <duration>',
        'how long certificates that are asked for are good at most',
      )
        .default(365 * 24 * 3_600_000, '8760h')
        .argParser(signingDuration),
    )
    .addOption(
      new Option(
        '--controllers <names>',
        `which controllers run, with commas between: * is all of them, foo the one of this name, -foo all but it. There are: ${names.join(', ')}`,
      )
        .default(['*'], '*')
        .argParser((text: string) => commaSeparated(text)),
    );
}

/**
 * Read before anything is started.
 * @throws TypeError for a name that no controller has.
 */
export function controllersOf({ controllers = ['*'] }: Pick<ControllersFlags, 'controllers'>): string[] {
  selectControllers(
    controllers,
    controllerEntries.map(({ name }) => name),
  );
  return controllers;
}

function signingDuration(value: string): number {
  const duration = durationMs(value);
  if (duration < 60_000) throw new InvalidArgumentError('must be a minute (1m) or more.');
  return duration;
}

function commaSeparated(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}
