import type { RuntimeClass } from '../../gen/types.ts';
import { matches } from '../../validate/check.ts';
import { dns1123Label, nameIsSubdomain } from '../../validate/formats.ts';
import { validateLabels } from '../../validate/labels.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { validateResources } from '../core/pod/containers.ts';
import { validateContainerResourceName } from '../../validate/resources.ts';
import { nodeLabelWarning } from '../node-label-warnings.ts';
import { rules } from '../rules.ts';
import { validateTolerations } from '../taints.ts';

const handlerPath = Path.of('handler');
const selectorPath = Path.of('scheduling', 'nodeSelector');

export const runtimeClassRules = rules<RuntimeClass>({
  namespaced: false,
  applyDefaults() {},

  validateCreate({ metadata, handler, overhead, scheduling }) {
    const errors = [
      ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
      ...matches(dns1123Label, handler ?? '', handlerPath),
    ];
    if (overhead) {
      const resources = { limits: overhead.podFixed };
      const path = Path.of('overhead');
      errors.push(...validateResources(resources, validateContainerResourceName, new Set(), path));
    }
    if (scheduling) {
      errors.push(
        ...validateLabels(scheduling.nodeSelector, selectorPath),
        ...validateTolerations(scheduling.tolerations ?? [], Path.of('scheduling', 'tolerations')),
      );
    }
    return errors;
  },

  validateUpdate: (runtimeClass, old) => [
    ...validateObjectMetaUpdate(runtimeClass.metadata, old.metadata),
    ...immutable(runtimeClass.handler, old.handler, handlerPath),
  ],

  warnings: ({ scheduling }) =>
    Object.keys(scheduling?.nodeSelector ?? {}).flatMap((label) => nodeLabelWarning(label, selectorPath)),
});
