import { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { diagnose, type Finding } from '../../localstack/embedded/diagnose.ts';
import { regionOption, roleOption, stackOption } from '../aws/environment.ts';
import { dataDirOption } from '../options.ts';

interface DoctorOptions {
  dataDir: string;
  stack?: string;
  region?: string;
  role?: string;
  json?: boolean;
  redrive?: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Says what is missing or wrong on this machine, or with --stack in a cluster on AWS, and how to mend it. Exits with 1 when something is.',
    )
    .addOption(dataDirOption())
    .addOption(stackOption())
    .addOption(regionOption())
    .addOption(roleOption())
    .option('--redrive', 'with --stack: has dead letters worked on again')
    .option('--json', 'one JSON document')
    .action(async ({ dataDir, stack, json, ...aws }: DoctorOptions) => {
      const findings = stack ? await ofStack(stack, aws) : await diagnose(dataDir);
      if (json) console.log(JSON.stringify({ findings }, null, 2));
      else for (const finding of findings) console.log(render(finding));
      if (findings.some(({ state }) => state === 'bad')) process.exitCode = 1;
    });
}

/** What looks at AWS is loaded where somebody asks for it. */
async function ofStack(
  stack: string,
  aws: Pick<DoctorOptions, 'region' | 'role' | 'redrive'>,
): Promise<Finding[]> {
  const { diagnoseStack } = await import('../aws/diagnose/index.ts');
  return diagnoseStack({ ...aws, stack, now: systemClock.now });
}

function render({ state, about, found, remedy }: Finding): string {
  const mark = { good: 'ok  ', bad: 'FAIL', note: 'note' }[state];
  return `${mark}  ${about}: ${found}${remedy ? `\n      ${remedy}` : ''}`;
}
