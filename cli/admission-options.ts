import { type Command, Option } from 'commander';
import { loadAdmissionConfig } from '../functions/apiserver/admission/config-file.ts';
import { type AdmissionSettings, enabledPlugins } from '../functions/apiserver/admission/settings.ts';

/** kube-apiserver's flags of the same names. */
export interface AdmissionFlags {
  enableAdmissionPlugins?: string[];
  disableAdmissionPlugins?: string[];
  admissionControlConfigFile?: string;
}

export function addAdmissionOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--enable-admission-plugins <names>',
        'on besides those that are on by default, with commas between',
      ).argParser(commaSeparated),
    )
    .addOption(
      new Option('--disable-admission-plugins <names>', 'off although they are on by default').argParser(
        commaSeparated,
      ),
    )
    .option('--admission-control-config-file <file>', 'how admission plugins work that have to be told');
}

/**
 * Read before anything is started.
 * @throws Error for a name or a file that there is not, or a field that is wrong.
 */
export function admissionOf(flags: AdmissionFlags): AdmissionSettings {
  const { enableAdmissionPlugins, disableAdmissionPlugins, admissionControlConfigFile } = flags;
  const settings: AdmissionSettings = {
    ...(enableAdmissionPlugins && { enable: enableAdmissionPlugins }),
    ...(disableAdmissionPlugins && { disable: disableAdmissionPlugins }),
    ...(admissionControlConfigFile && loadAdmissionConfig(admissionControlConfigFile)),
  };
  enabledPlugins(settings);
  return settings;
}

function commaSeparated(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}
