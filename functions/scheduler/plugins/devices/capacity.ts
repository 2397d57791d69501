import type { CapacityRequestPolicy, Device } from '../../../../lib/api/gen/types.ts';
import { wholeOf } from '../../../../lib/api/pod-resources.ts';

/**
 * What a request takes of a device's capacity, by name, or undefined where the device cannot give it (KEP-5075): what is
 * asked for, raised to what the device's policy allows; its default where nothing is asked for; all of it without either.
 */
export function consumedCapacity(
  device: Device,
  requests: Readonly<Record<string, string>> = {},
): Map<string, number> | undefined {
  const consumed = new Map<string, number>();
  for (const [name, { value, requestPolicy }] of Object.entries(device.capacity ?? {})) {
    const total = wholeOf(value);
    const asked = requests[name] ?? requestPolicy?.default;
    const amount = asked === undefined ? total : allowed(wholeOf(asked), requestPolicy);
    if (amount === undefined || amount > total) return undefined;
    consumed.set(name, amount);
  }
  return Object.keys(requests).every((name) => consumed.has(name)) ? consumed : undefined;
}

/** The least that the policy allows and that is not less than `amount`. */
function allowed(amount: number, policy: CapacityRequestPolicy | undefined): number | undefined {
  if (policy?.validValues) {
    return policy.validValues
      .map(wholeOf)
      .sort((a, b) => a - b)
      .find((value) => value >= amount);
  }
  if (!policy?.validRange) return amount;
  const { min, max, step } = policy.validRange;
  const least = min === undefined ? 0 : wholeOf(min);
  const steps = step === undefined ? undefined : wholeOf(step);
  const raised = Math.max(amount, least);
  const stepped = steps ? least + Math.ceil((raised - least) / steps) * steps : raised;
  return max !== undefined && stepped > wholeOf(max) ? undefined : stepped;
}
