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

/** Routes in the one table that the subnets of nodes share. A table holds 50 by default ("Amazon VPC quotas"). */
export function ec2Routes(ec2: EC2Client, routeTableId: string): Routes {
  async function all() {
    const { RouteTables: tables = [] } = await ec2.send(
      new DescribeRouteTablesCommand({ RouteTableIds: [routeTableId] }),
    );
    return tables[0]?.Routes ?? [];
  }

  return {
    async list(clusterCidr) {
      const isPart = within(clusterCidr);
      return (await all())
        .filter(({ DestinationCidrBlock: cidr = '' }) => isPart(cidr))
        .map(({ DestinationCidrBlock: cidr = '', InstanceId: instanceId, State: state }) => ({
          cidr,
          ...(state !== 'blackhole' && instanceId && { instanceId }),
        }));
    },
    async put({ cidr, instanceId }) {
      await ec2.send(
        new ModifyInstanceAttributeCommand({ InstanceId: instanceId, SourceDestCheck: { Value: false } }),
      );
      const route = { RouteTableId: routeTableId, DestinationCidrBlock: cidr, InstanceId: instanceId };
      const isThere = (await all()).some(({ DestinationCidrBlock: one }) => one === cidr);
      await ec2.send(isThere ? new ReplaceRouteCommand(route) : new CreateRouteCommand(route));
    },
    async remove(cidr) {
      await ec2.send(new DeleteRouteCommand({ RouteTableId: routeTableId, DestinationCidrBlock: cidr }));
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
