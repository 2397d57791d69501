/** Machines of the cloud, by their ids. */
export interface Instances {
  /** `gone`: terminated, or not known (any more). */
  state(instanceId: string): Promise<'running' | 'stopped' | 'gone'>;
}
