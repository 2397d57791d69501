import { describe, expect, it } from 'vitest';
import { decideAudit } from '../../../../functions/apiserver/audit/evaluate.ts';
import { parseAuditPolicy } from '../../../../functions/apiserver/audit/policy.ts';
import { parseRequestInfo } from '../../../../functions/apiserver/pipeline/request-info.ts';

const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
const parse = (text: string) => parseAuditPolicy(text, 'policy.yaml');

describe('a policy', () => {
  it('is read whole', () => {
    const text = `${head}omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:kube-proxy"]
  verbs: [watch]
  resources: [{ group: "", resources: [endpoints, services] }]
- level: Metadata
  nonResourceURLs: ["/healthz*"]
  omitStages: [ResponseStarted]
- level: Request
  omitManagedFields: true
`;
    expect(parse(text)).toEqual({
      omitStages: ['RequestReceived'],
      rules: [
        {
          level: 'None',
          users: ['system:kube-proxy'],
          verbs: ['watch'],
          resources: [{ group: '', resources: ['endpoints', 'services'] }],
        },
        { level: 'Metadata', nonResourceURLs: ['/healthz*'], omitStages: ['ResponseStarted'] },
        { level: 'Request', omitManagedFields: true },
      ],
    });
  });

  const broken: [text: string, message: string][] = [
    [
      `${head}rules:\n- level: Everything\n`,
      'policy.yaml:4: rules[0].level: Unsupported value: "Everything"',
    ],
    [`${head}rules:\n- users: [a]\n`, 'policy.yaml:4: rules[0].level: Required value'],
    [`${head}rules:\n- level: None\n  verb: [get]\n`, 'policy.yaml:5: rules[0].verb: unknown field'],
    [`${head}rules: []\n`, 'policy.yaml:3: rules: Required value'],
    [`${head}`, 'policy.yaml:1: rules: Required value'],
    ['kind: Policy\nrules: [{ level: None }]\n', 'policy.yaml:1: apiVersion: Unsupported value: ""'],
    [`${head}rules:\n- level: [\n`, 'policy.yaml:5: '],
    [
      `${head}rules:\n- level: None\n  omitStages:\n  - Now\n`,
      'policy.yaml:6: rules[0].omitStages[0]: Invalid value: "Now"',
    ],
    [`${head}rules:\n- level: None\n  nonResourceURLs: [healthz]\n`, "must begin with a '/' character"],
    [
      `${head}rules:\n- level: None\n  nonResourceURLs: ['/a*b']\n`,
      "wildcards '*' must be the final character",
    ],
    [
      `${head}rules:\n- level: None\n  nonResourceURLs: ['/a']\n  namespaces: [x]\n`,
      'policy.yaml:5: rules[0].nonResourceURLs: Invalid value: rules cannot apply to both',
    ],
    [
      `${head}rules:\n- level: None\n  resources: [{ group: apps/v1 }]\n`,
      'rules[0].resources[0].group: Invalid value: "apps/v1"',
    ],
    [
      `${head}rules:\n- level: None\n  resources: [{ resourceNames: [x] }]\n`,
      'using resourceNames requires at least one resource',
    ],
    [`${head}rules:\n- level: None\n  users: [1]\n`, 'rules[0].users[0]: Invalid value: 1: must be a string'],
    ['[]', 'policy.yaml:1: Invalid value: []: must be an object'],
  ];
  it.each(broken)('that is broken is refused with file, line and field: %j', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

describe('the first rule that fits', () => {
  const info = (method: string, path: string) => parseRequestInfo(method, path, new URLSearchParams());
  const user = { username: 'ann', groups: ['devs'] };
  const decide = (rules: string, method: string, path: string) =>
    decideAudit(parse(`${head}rules:\n${rules}- level: Metadata\n`), info(method, path), user).level;
  const pods = '/api/v1/namespaces/default/pods';

  const cases: [rule: string, method: string, path: string, fits: boolean][] = [
    ['users: [ann]', 'GET', pods, true],
    ['users: [bob]', 'GET', pods, false],
    ['userGroups: [devs]', 'GET', pods, true],
    ['verbs: [list]', 'GET', pods, true],
    ['verbs: [get]', 'GET', pods, false],
    ['namespaces: [default]', 'GET', pods, true],
    ["namespaces: ['']", 'GET', '/api/v1/nodes', true],
    ["resources: [{ group: '' }]", 'GET', pods, true],
    ['resources: [{ group: apps }]', 'GET', pods, false],
    ["resources: [{ group: '*', resources: [pods] }]", 'GET', pods, true],
    ["resources: [{ group: '', resources: [pods] }]", 'GET', `${pods}/p/log`, false],
    ["resources: [{ group: '', resources: [pods/log] }]", 'GET', `${pods}/p/log`, true],
    ["resources: [{ group: '', resources: ['*/log'] }]", 'GET', `${pods}/p/log`, true],
    ["resources: [{ group: '', resources: ['pods/*'] }]", 'GET', `${pods}/p/log`, true],
    ["resources: [{ group: '', resources: [pods], resourceNames: [p] }]", 'GET', `${pods}/p`, true],
    ["resources: [{ group: '', resources: [pods], resourceNames: [q] }]", 'GET', `${pods}/p`, false],
    ["nonResourceURLs: ['/healthz*']", 'GET', '/healthz/etcd', true],
    ["nonResourceURLs: ['*']", 'GET', pods, false],
  ];
  it.each(cases)('%s on %s %s: %s', (rule, method, path, fits) => {
    expect(decide(`- level: Request\n  ${rule}\n`, method, path)).toBe(fits ? 'Request' : 'Metadata');
  });

  it('is none where no rule fits', () => {
    const policy = parse(`${head}rules:\n- level: Request\n  users: [bob]\n`);
    expect(decideAudit(policy, info('GET', pods), user).level).toBe('None');
  });
});
