import { type Command, Option } from 'commander';
import { controllerEntries } from '../functions/controllers/index.ts';
import { selectControllers } from '../functions/controllers/select.ts';

/** kube-controller-manager's flag of the same name. */
export interface ControllersFlags {
  controllers?: string[];
}

export function addControllersOptions(command: Command): Command {
  const names = controllerEntries.map(({ name }) => name);
  return command.addOption(
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
export function controllersOf({ controllers = ['*'] }: ControllersFlags): string[] {
  selectControllers(
    controllers,
    controllerEntries.map(({ name }) => name),
  );
  return controllers;
}

function commaSeparated(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}
