/** `apiserver.config.k8s.io/v1 AdmissionConfiguration`: how plugins work that have to be told. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { messageOf } from '../../../lib/errors.ts';
import type { EventLimit } from './event-rate-limit.ts';
import { parseNodeSelector, type PodNodeSelectorOptions } from './pod-node-selector.ts';
import { type AdmissionSettings, checkEventLimits } from './settings.ts';

type Content = Readonly<Record<string, unknown>>;

/** @throws Error that names the file and the field. */
export function loadAdmissionConfig(
  file: string,
): Pick<AdmissionSettings, 'eventLimits' | 'podNodeSelector'> {
  const content = readYaml(file);
  const refuse = (field: string, problem: string): never => {
    throw new Error(`${file}: ${field}: ${problem}`);
  };
  if (content.kind !== 'AdmissionConfiguration') {
    refuse(
      'kind',
      `Unsupported value: ${JSON.stringify(content.kind)}: supported values: "AdmissionConfiguration"`,
    );
  }
  if (content.apiVersion !== 'apiserver.config.k8s.io/v1') {
    const found = JSON.stringify(content.apiVersion);
    refuse('apiVersion', `Unsupported value: ${found}: supported values: "apiserver.config.k8s.io/v1"`);
  }
  const settings: { eventLimits?: readonly EventLimit[]; podNodeSelector?: PodNodeSelectorOptions } = {};
  for (const [index, plugin] of listOf(content.plugins).entries()) {
    const field = `plugins[${index}]`;
    const { name, configuration, path } = plugin;
    const own =
      typeof path === 'string'
        ? readYaml(resolve(dirname(file), path))
        : isContent(configuration)
          ? configuration
          : {};
    try {
      if (name === 'EventRateLimit') settings.eventLimits = eventLimitsOf(own);
      else if (name === 'PodNodeSelector') settings.podNodeSelector = nodeSelectorsOf(own);
      else
        refuse(
          `${field}.name`,
          `Unsupported value: ${JSON.stringify(name)}: supported values: "EventRateLimit", "PodNodeSelector"`,
        );
    } catch (error) {
      throw messageOf(error).startsWith(file)
        ? error
        : new Error(`${file}: ${field}: ${messageOf(error)}`, { cause: error });
    }
  }
  return settings;
}

function readYaml(file: string): Content {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the admission configuration cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken)
    throw new Error(`${file}:${broken.linePos?.[0].line ?? 1}: ${broken.message.split('\n', 1)[0]}`);
  const content: unknown = document.toJS({ maxAliasCount: 100 });
  if (!isContent(content)) throw new Error(`${file}: must be a mapping`);
  return content;
}

const isContent = (value: unknown): value is Content =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listOf = (value: unknown): Content[] => (Array.isArray(value) ? value.filter(isContent) : []);

function eventLimitsOf(content: Content): EventLimit[] {
  const limits = listOf(content.limits).map(
    ({ type, qps, burst, cacheSize }) =>
      ({
        type,
        qps: Number(qps),
        burst: Number(burst),
        ...(cacheSize !== undefined && { cacheSize: Number(cacheSize) }),
      }) as EventLimit,
  );
  checkEventLimits(limits);
  return limits;
}

function nodeSelectorsOf(content: Content): PodNodeSelectorOptions {
  const own = content.podNodeSelectorPluginConfig;
  const whitelist: Record<string, string> = {};
  let clusterDefaultNodeSelector: string | undefined;
  for (const [name, selector] of Object.entries(isContent(own) ? own : {})) {
    if (typeof selector !== 'string' || !parseNodeSelector(selector)) {
      throw new Error(
        `podNodeSelectorPluginConfig.${name}: Invalid value: ${JSON.stringify(selector)}: must be of the form key=value,key=value`,
      );
    }
    if (name === 'clusterDefaultNodeSelector') clusterDefaultNodeSelector = selector;
    else whitelist[name] = selector;
  }
  return { whitelist, ...(clusterDefaultNodeSelector !== undefined && { clusterDefaultNodeSelector }) };
}
