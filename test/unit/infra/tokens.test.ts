import { Match } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { statementsOf, tooWide } from './policies.ts';
import { templateOf } from './stack.ts';

test('tokens are signed by the cluster’s own key unless one of AWS KMS is asked for', () => {
  templateOf().resourcePropertiesCountIs('AWS::KMS::Key', { KeyUsage: 'SIGN_VERIFY' }, 0);
});

test('a key of AWS KMS signs for the endpoint alone, by an issuer that everybody reaches', () => {
  const template = templateOf({ tokenKey: 'kms' });
  template.hasResourceProperties('AWS::KMS::Key', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  const signers = statementsOf(template).filter(({ statement }) =>
    [statement.Action].flat().includes('kms:Sign'),
  );
  expect(signers.map(({ name }) => name)).toEqual([expect.stringMatching(/^ControlPlaneApiServer/)]);
  expect(tooWide(statementsOf(template))).toEqual([]);
  const issuer = { 'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp('execute-api')])] };
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: {
      Variables: Match.objectLike({ KUMULUS_ISSUER: issuer, KUMULUS_TOKEN_KEY_ARN: Match.anyValue() }),
    },
  });
});
