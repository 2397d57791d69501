/** One way of the cloud's network to a node's pods. */
export interface PodRoute {
  /** The node's pod range. */
  cidr: string;
  instanceId: string;
}

export interface Routes {
  /** Those within `clusterCidr`. A route to an instance that is gone has no `instanceId`. */
  list(clusterCidr: string): Promise<(Pick<PodRoute, 'cidr'> & Partial<PodRoute>)[]>;
  /** Instead of the one for this range, where there is one. The instance may send and receive for its pods from then on. */
  put(route: PodRoute): Promise<void>;
  remove(cidr: string): Promise<void>;
}
