import {
  CreateRouteCommand,
  DeleteRouteCommand,
  DescribeRouteTablesCommand,
  type EC2Client,
  ModifyInstanceAttributeCommand,
  ReplaceRouteCommand,
} from '@aws-sdk/client-ec2';
import { BlockList, isIPv4 } from 'node:net';
import type { Routes } from './port.ts';

/** Routes in the tables of the nodes' subnets. A table holds 500 routes ("Amazon VPC quotas"). */
export function ec2Routes(ec2: EC2Client, routeTableIds: readonly string[]): Routes {
  async function tables() {
    const { RouteTables: found = [] } = await ec2.send(
      new DescribeRouteTablesCommand({ RouteTableIds: [...routeTableIds] }),
    );
    return found.map(({ RouteTableId: id = '', Routes: routes = [] }) => ({ id, routes }));
  }

  return {
    async list(clusterCidr) {
      const isPart = within(clusterCidr);
      const all = await tables();
      const cidrs = new Set(
        all.flatMap(({ routes }) => routes.map(({ DestinationCidrBlock: cidr = '' }) => cidr)).filter(isPart),
      );
      return [...cidrs].map((cidr) => {
        const ways = all.map(({ routes }) => routes.find((route) => route.DestinationCidrBlock === cidr));
        const [way] = ways;
        // One that is not the same everywhere is as good as none.
        const isWhole = ways.every(
          (one) => one?.State !== 'blackhole' && one?.InstanceId === way?.InstanceId,
        );
        return { cidr, ...(isWhole && way?.InstanceId && { instanceId: way.InstanceId }) };
      });
    },
    async put({ cidr, instanceId }) {
      await ec2.send(
        new ModifyInstanceAttributeCommand({ InstanceId: instanceId, SourceDestCheck: { Value: false } }),
      );
      for (const { id, routes } of await tables()) {
        const route = { RouteTableId: id, DestinationCidrBlock: cidr, InstanceId: instanceId };
        const isThere = routes.some(({ DestinationCidrBlock: one }) => one === cidr);
        await ec2.send(isThere ? new ReplaceRouteCommand(route) : new CreateRouteCommand(route));
      }
    },
    async remove(cidr) {
      for (const { id, routes } of await tables()) {
        if (!routes.some(({ DestinationCidrBlock: one }) => one === cidr)) continue;
        await ec2.send(new DeleteRouteCommand({ RouteTableId: id, DestinationCidrBlock: cidr }));
      }
    },
  };
}

/** Whether a range is a part of the other. */
function within(outer: string): (cidr: string) => boolean {
  const [network = '', bits = ''] = outer.split('/');
  const block = new BlockList();
  block.addSubnet(network, Number(bits));
  return (cidr) => {
    const [address = '', size = ''] = cidr.split('/');
    return isIPv4(address) && Number(size) >= Number(bits) && block.check(address);
  };
}
