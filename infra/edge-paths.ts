/**
 * Paths that need a connection in both directions, as patterns of CloudFront: `*` stands for any characters. All else is
 * API Gateway's. A log is the gateway's whether it is followed or not, for patterns see no query.
 */
export const gatewayPaths = ['exec', 'attach', 'portforward', 'log'].map(
  (subresource) => `/api/v1/namespaces/*/pods/*/${subresource}`,
);
