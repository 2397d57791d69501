import { CreateTopicCommand, type SNSClient } from '@aws-sdk/client-sns';

export async function createTopic(client: SNSClient, name: string): Promise<string> {
  const { TopicArn: arn = '' } = await client.send(new CreateTopicCommand({ Name: name }));
  return arn;
}
