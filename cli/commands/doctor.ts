import { Command } from 'commander';
import { diagnose, type Finding } from '../../localstack/embedded/diagnose.ts';
import { dataDirOption } from '../options.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Says what is missing or wrong on this machine, and how to mend it. Exits with 1 when something is.',
    )
    .addOption(dataDirOption())
    .option('--json', 'one JSON document')
    .action(async ({ dataDir, json }: { dataDir: string; json?: boolean }) => {
      const findings = await diagnose(dataDir);
      if (json) console.log(JSON.stringify({ findings }, null, 2));
      else for (const finding of findings) console.log(render(finding));
      if (findings.some(({ state }) => state === 'bad')) process.exitCode = 1;
    });
}

function render({ state, about, found, remedy }: Finding): string {
  const mark = { good: 'ok  ', bad: 'FAIL', note: 'note' }[state];
  return `${mark}  ${about}: ${found}${remedy ? `\n      ${remedy}` : ''}`;
}
