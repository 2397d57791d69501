/** Directories that nodes keep for volumes, each by the name of its volume. */
export interface NodeDirectories {
  /**
   * Makes the directory where it is not there, and says where on the node it is. Idempotent.
   * @throws KumulusError NotFound where there is no such node
   */
  create(nodeName: string, volumeName: string, signal: AbortSignal): Promise<{ path: string }>;
  /** Removes the directory with everything in it. Idempotent. Throws as `create` does. */
  remove(nodeName: string, volumeName: string, signal: AbortSignal): Promise<void>;
}
