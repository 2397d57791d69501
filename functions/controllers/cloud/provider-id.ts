/** `aws:///eu-west-1a/i-0123456789abcdef0`, as cloud-provider-aws writes it. */
const providerIdForm = /^aws:\/\/\/[a-z0-9-]+\/(i-[0-9a-f]+)$/;

/** The instance that a Node is; undefined for a machine that is none of EC2's. */
export function instanceIdOf(providerID: string | undefined): string | undefined {
  return providerIdForm.exec(providerID ?? '')?.[1];
}
