/** `apiserver.config.k8s.io/v1 AdmissionConfiguration`: how plugins work that have to be told. */
import { dirname, resolve } from 'node:path';
import {
  checkKind,
  type ConfigDocument,
  type ConfigPath,
  listAt,
  objectAt,
  openConfig,
  readConfigText,
  textAt,
  unsupported,
} from '../config-document.ts';
import { eventRateLimitSection, podNodeSelectorSection } from './config-sections.ts';
import { podSecuritySection } from './pod-security-config.ts';
import { resourceQuotaSection } from './resource-quota/config.ts';
import type { AdmissionSettings } from './settings.ts';

export type AdmissionSections = Pick<
  AdmissionSettings,
  'eventLimits' | 'podNodeSelector' | 'podSecurity' | 'limitedResources'
>;

/** Reads a plugin's own configuration, which stands at this path of the document. */
type Section = (content: unknown, at: ConfigPath, document: ConfigDocument) => AdmissionSections;

const sections: Readonly<Record<string, Section>> = {
  EventRateLimit: eventRateLimitSection,
  PodNodeSelector: podNodeSelectorSection,
  PodSecurity: podSecuritySection,
  ResourceQuota: resourceQuotaSection,
};

/** @throws Error `admission.yaml:7: plugins[0].configuration.limits[0].qps: <problem>` */
export function loadAdmissionConfig(file: string): AdmissionSections {
  const document = open(file);
  const fields = ['apiVersion', 'kind', 'metadata', 'plugins'];
  const content = objectAt(document.content, [], fields, document);
  checkKind(
    content,
    { apiVersions: ['apiserver.config.k8s.io/v1'], kind: 'AdmissionConfiguration' },
    document,
  );
  const settings: AdmissionSections = {};
  const seen = new Set<string>();
  for (const [index, plugin] of listAt(content['plugins'], ['plugins'], document).entries()) {
    const at = ['plugins', index];
    const { name, configuration, path } = objectAt(plugin, at, ['name', 'configuration', 'path'], document);
    const section = typeof name === 'string' && Object.hasOwn(sections, name) ? sections[name] : undefined;
    if (typeof name !== 'string' || !section) {
      const supported = Object.keys(sections).map((one) => JSON.stringify(one));
      return document.refuse(
        [...at, 'name'],
        `${unsupported(name)}: supported values: ${supported.join(', ')}`,
      );
    }
    if (seen.has(name)) document.refuse([...at, 'name'], `Duplicate value: ${JSON.stringify(name)}`);
    seen.add(name);
    // As upstream: what stands here goes before a file beside it.
    const ownFile = textAt(path, [...at, 'path'], document);
    if (configuration !== undefined && configuration !== null)
      Object.assign(settings, section(configuration, [...at, 'configuration'], document));
    else if (ownFile) {
      const own = open(resolve(dirname(file), ownFile));
      Object.assign(settings, section(own.content, [], own));
    }
  }
  return settings;
}

function open(file: string): ConfigDocument {
  return openConfig(readConfigText(file, 'admission configuration'), file);
}
