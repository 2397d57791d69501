import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Parameters } from '../parameters.ts';

/** API Gateway's own answers, in the words that Kubernetes clients read. */
const gatewayAnswers: { type: apigateway.ResponseType; code: number; reason: string; message: string }[] = [
  {
    type: apigateway.ResponseType.REQUEST_TOO_LARGE,
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: 'the request is larger than the 10 MB that API Gateway, or the 6 MB that Lambda takes',
  },
  {
    type: apigateway.ResponseType.THROTTLED,
    code: 429,
    reason: 'TooManyRequests',
    message: 'API Gateway throttles requests; try again later',
  },
  {
    type: apigateway.ResponseType.QUOTA_EXCEEDED,
    code: 429,
    reason: 'TooManyRequests',
    message: 'the quota of API Gateway is used up',
  },
  {
    type: apigateway.ResponseType.INTEGRATION_TIMEOUT,
    code: 504,
    reason: 'Timeout',
    message: 'the API server did not answer in time',
  },
  {
    type: apigateway.ResponseType.INTEGRATION_FAILURE,
    code: 503,
    reason: 'ServiceUnavailable',
    message: 'the API server could not be reached, or is throttled by Lambda',
  },
  {
    type: apigateway.ResponseType.DEFAULT_5XX,
    code: 503,
    reason: 'ServiceUnavailable',
    message: 'the API server failed; its log says why',
  },
];

/** A part of the endpoint's URL. */
export const stageName = 'api';
/** The longest that API Gateway streams. */
const longestStream = Duration.minutes(15);

/** The cluster's endpoint: a regional REST API that hands every request to one function, and streams its answers. */
export class Endpoint extends Construct {
  readonly api: apigateway.RestApi;

  constructor(
    scope: Construct,
    id: string,
    { handler, parameters }: { handler: lambda.IFunction; parameters: Parameters },
  ) {
    super(scope, id);
    const isStreamed = parameters.responses === 'streamed';
    const accessLog = new logs.LogGroup(this, 'AccessLog', {
      retention: parameters.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.api = new apigateway.RestApi(this, 'Api', {
      description: `Kubernetes API of ${parameters.stackName}`,
      endpointTypes: [apigateway.EndpointType.REGIONAL],
      // Bodies pass as they are, whatever their type.
      binaryMediaTypes: ['*/*'],
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: RemovalPolicy.DESTROY,
      deployOptions: {
        stageName,
        tracingEnabled: parameters.tracing,
        // Those of the stage are free, those of each method are not.
        metricsEnabled: false,
        accessLogDestination: new apigateway.LogGroupLogDestination(accessLog),
        // No query and no header: they may hold what is secret.
        accessLogFormat: apigateway.AccessLogFormat.jsonWithStandardFields({
          caller: false,
          httpMethod: true,
          ip: true,
          protocol: true,
          requestTime: true,
          resourcePath: false,
          responseLength: true,
          status: true,
          user: false,
        }),
      },
      defaultIntegration: new apigateway.LambdaIntegration(handler, {
        proxy: true,
        allowTestInvoke: false,
        ...(isStreamed && {
          responseTransferMode: apigateway.ResponseTransferMode.STREAM,
          timeout: longestStream,
        }),
      }),
      // The API server authenticates by itself: tokens of several kinds, and what may be read without one.
      defaultMethodOptions: { authorizationType: apigateway.AuthorizationType.NONE },
    });
    this.api.root.addMethod('ANY');
    this.api.root.addProxy({ anyMethod: true });
    this.#explain();
    for (const { type, code, reason, message } of gatewayAnswers) {
      const status = {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message,
        reason,
        code,
      };
      this.api.addGatewayResponse(`Answer${type.responseType}`, {
        type,
        statusCode: String(code),
        templates: { 'application/json': JSON.stringify(status) },
      });
    }
  }
  /** Why rules for APIs in general do not fit this one. */
  #explain(): void {
    const ownAuthentication =
      'the Kubernetes API authenticates and authorizes every request itself: IAM principals, service accounts, OIDC';
    Validations.of(this).acknowledge(
      { id: 'AwsSolutions-APIG4', reason: ownAuthentication },
      { id: 'AwsSolutions-COG4', reason: ownAuthentication },
      {
        id: 'AwsSolutions-APIG2',
        reason: 'the API server validates requests by the schemas of their kinds, which clients may add to',
      },
      {
        id: 'AwsSolutions-APIG3',
        reason: 'a web ACL costs more than the idle cluster; the Edge construct takes one',
      },
      {
        id: 'AwsSolutions-APIG6',
        reason:
          'execution logs go to a log group that outlives the stack; the access log says the same of each request',
      },
      {
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
        reason: 'the one policy with which API Gateway may write access logs, as its documentation has it',
      },
    );
  }
}
