import { expect, test } from 'vitest';
import { statementsOf, tooWide } from './policies.ts';
import { templateOf } from './stack.ts';

test('Secrets are sealed with the cluster’s own key unless one of AWS KMS is asked for', () => {
  const template = templateOf();
  template.resourceCountIs('AWS::KMS::Key', 0);
  expect(JSON.stringify(template.toJSON())).not.toContain('KUMULUS_ENCRYPTION_KEY_ARN');
});

test('a key of AWS KMS seals Secrets, for whoever has the table and for nothing else, and is kept with it', () => {
  const template = templateOf({ secretsKey: 'kms', retainState: 'true' });
  template.hasResource('AWS::KMS::Key', {
    DeletionPolicy: 'Retain',
    Properties: { EnableKeyRotation: true },
  });
  const statements = statementsOf(template);
  const users = (action: string) =>
    statements.filter(({ statement }) => [statement.Action].flat().includes(action)).map(({ name }) => name);
  expect(users('kms:Decrypt')).toEqual(users('dynamodb:GetItem'));
  for (const { statement } of statements.filter((one) =>
    [one.statement.Action].flat().includes('kms:Decrypt'),
  ))
    expect(statement.Condition).toEqual({
      StringEquals: { 'kms:EncryptionContext:kumulus.io/use': 'store-encryption' },
    });
  expect(tooWide(statements)).toEqual([]);
});
