import type { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import { validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { rules } from '../rules.ts';
import { loadExpressions } from './expressions.ts';
import { defaultWebhook, validateWebhooks } from './webhook.ts';

export const validatingWebhookConfigurationRules = rules<ValidatingWebhookConfiguration>({
  namespaced: false,
  load: loadExpressions,
  applyDefaults({ webhooks = [] }) {
    for (const webhook of webhooks) defaultWebhook(webhook);
  },
  validateCreate: (configuration) => validateWebhooks(configuration, undefined),
  validateUpdate: (configuration, old) => [
    ...validateObjectMetaUpdate(configuration.metadata, old.metadata),
    ...validateWebhooks(configuration, old),
  ],
  generationChanged: (configuration, old) => !sameValue(configuration.webhooks, old.webhooks),
});

export const mutatingWebhookConfigurationRules = rules<MutatingWebhookConfiguration>({
  namespaced: false,
  load: loadExpressions,
  applyDefaults({ webhooks = [] }) {
    for (const webhook of webhooks) {
      defaultWebhook(webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  validateCreate: (configuration) => validateWebhooks(configuration, undefined),
  validateUpdate: (configuration, old) => [
    ...validateObjectMetaUpdate(configuration.metadata, old.metadata),
    ...validateWebhooks(configuration, old),
  ],
  generationChanged: (configuration, old) => !sameValue(configuration.webhooks, old.webhooks),
});
