import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadAdmissionConfig } from '../../../../functions/apiserver/admission/config-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'kumulus-admission-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = join(dir, 'admission.yaml');
const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n';
function load(plugins: string) {
  writeFileSync(file, head + plugins);
  return loadAdmissionConfig(file);
}

const podSecurity = `- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
`;
const quota = `- name: ResourceQuota
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ResourceQuotaConfiguration
    limitedResources:
`;
const events = `- name: EventRateLimit
  configuration:
    apiVersion: eventratelimit.admission.k8s.io/v1alpha1
    kind: Configuration
`;

describe('the admission configuration', () => {
  it('says what each plugin is told, here or in a file beside it', () => {
    writeFileSync(join(dir, 'selectors.yaml'), 'podNodeSelectorPluginConfig:\n  team-a: disk=ssd\n');
    const settings = load(
      `${podSecurity}    defaults: {enforce: baseline, enforce-version: v1.30, warn: restricted}
    exemptions: {usernames: [ci], namespaces: [kube-system], runtimeClasses: [kata]}
${quota}    - {resource: pods, matchContains: [cpu], matchScopes: [{scopeName: PriorityClass, operator: In, values: [top]}]}
${events}    limits: [{type: Server, qps: 5, burst: 10}]
- name: PodNodeSelector
  path: selectors.yaml
`,
    );
    expect(settings).toEqual({
      podSecurity: {
        defaults: {
          enforce: { level: 'baseline', version: 30 },
          audit: { level: 'privileged', version: Number.POSITIVE_INFINITY },
          warn: { level: 'restricted', version: Number.POSITIVE_INFINITY },
        },
        exemptions: { usernames: ['ci'], namespaces: ['kube-system'], runtimeClasses: ['kata'] },
      },
      limitedResources: [
        {
          group: '',
          resource: 'pods',
          matchContains: ['cpu'],
          matchScopes: [{ scopeName: 'PriorityClass', operator: 'In', values: ['top'] }],
        },
      ],
      eventLimits: [{ type: 'Server', qps: 5, burst: 10 }],
      podNodeSelector: { whitelist: { 'team-a': 'disk=ssd' } },
    });
  });

  const configuration = 'plugins[0].configuration';
  it.each([
    [
      '- name: Priority\n',
      ':4: plugins[0].name: Unsupported value: "Priority": supported values: "EventRateLimit"',
    ],
    [`${podSecurity}    default: {}\n`, `:8: ${configuration}.default: unknown field`],
    [
      `${podSecurity}    defaults:\n      enforce: strict\n`,
      `:9: ${configuration}.defaults.enforce: Invalid value: "strict": must be one of privileged, baseline, restricted`,
    ],
    [
      `${podSecurity}    defaults:\n      audit-version: "1.30"\n`,
      `:9: ${configuration}.defaults.audit-version: Invalid value: "1.30": must be "latest" or "v1.x"`,
    ],
    [
      `${podSecurity}    exemptions:\n      namespaces:\n      - a\n      - A B\n`,
      `:11: ${configuration}.exemptions.namespaces[1]: Invalid value: "A B": a lowercase RFC 1123 label`,
    ],
    [
      `${podSecurity}    exemptions:\n      usernames: [a, a]\n`,
      `:9: ${configuration}.exemptions.usernames[1]: Duplicate value: "a"`,
    ],
    [
      `${quota}    - matchContains: [cpu]\n`,
      `:9: ${configuration}.limitedResources[0].resource: Required value`,
    ],
    [
      `${quota}    - resource: pods\n      matchScopes: [{scopeName: Weekday, operator: In}]\n`,
      `:10: ${configuration}.limitedResources[0].matchScopes[0].scopeName: Unsupported value: "Weekday"`,
    ],
    [
      `${events}    limits:\n    - {type: Namespace, qps: 0, burst: 10}\n`,
      `:9: ${configuration}.limits[0].qps: Invalid value: 0: must be positive`,
    ],
    [`${events}    limits: []\n`, `:8: ${configuration}.limits: Invalid value: []: must not be empty`],
    [
      '- name: PodNodeSelector\n  configuration:\n    podNodeSelectorPluginConfig:\n      a: b\n',
      `:7: ${configuration}.podNodeSelectorPluginConfig.a: Invalid value: "b": must be of the form key=value`,
    ],
    [`${podSecurity}${podSecurity}`, ':8: plugins[1].name: Duplicate value: "PodSecurity"'],
    ['- name: PodSecurity\n  path: [a]\n', ':5: plugins[0].path: Invalid value: ["a"]: must be a string'],
    ['- name: PodSecurity\n   path: a\n', ':4: Nested mappings are not allowed'],
    ['- name: PodSecurity\n  path: missing.yaml\n', 'missing.yaml'],
  ])('%# that is broken is refused with file, line and field', (plugins, message) => {
    expect(() => load(plugins)).toThrow(message.startsWith(':') ? file + message : message);
  });

  it("names the plugin's own file where that is broken", () => {
    writeFileSync(join(dir, 'limits.yaml'), 'kind: Configuration\n');
    expect(() => load('- name: EventRateLimit\n  path: limits.yaml\n')).toThrow(
      `${join(dir, 'limits.yaml')}:1: apiVersion: Unsupported value: ""`,
    );
  });
});
