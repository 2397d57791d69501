import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { ControlPlane } from './control-plane.ts';
import type { State } from './state.ts';

const { ComparisonOperator, Metric, TreatMissingData } = cloudwatch;

/** What alarms look at: a quarter of an hour, in which the resync has repaired what it can. */
const period = Duration.minutes(5);
const periods = 3;

/**
 * What somebody should be told of, and where to look then. Ten metrics have alarms, as many as CloudWatch gives to every
 * account for nothing; all metrics but `Kumulus` are the services' own, which cost nothing either.
 */
export class Monitoring extends Construct {
  readonly alarms: cloudwatch.Alarm[] = [];
  readonly dashboard: cloudwatch.Dashboard;

  constructor(
    scope: Construct,
    id: string,
    { controlPlane, state }: { controlPlane: ControlPlane; state: State },
  ) {
    super(scope, id);
    const { functions, queues } = controlPlane;
    const { setup: _once, ...steady } = functions;

    for (const [name, { function: one }] of Object.entries(steady)) {
      this.#alarm(`Errors-${name}`, one.metricErrors({ period, statistic: 'Sum' }), {
        threshold: 1,
        description: `The function ${name} has failed for a quarter of an hour. Its log says why; the resync repairs what was lost.`,
      });
    }
    // Concurrency is the account's in its region, and so is running out of it.
    const throttles = new Metric({
      namespace: 'AWS/Lambda',
      metricName: 'Throttles',
      statistic: 'Sum',
      period,
    });
    this.#alarm('Throttles', throttles, {
      threshold: 1,
      description:
        'Lambda throttles functions of this account and region: ask for a higher quota of concurrent executions.',
    });
    const iteratorAge = functions.dispatch.function.metric('IteratorAge', { statistic: 'Maximum', period });
    this.#alarm('IteratorAge', iteratorAge, {
      threshold: Duration.minutes(1).toMilliseconds(),
      description: 'Changes wait for dispatch for over a minute: its log says what holds it up.',
    });
    const dead = Object.entries({ DeadLetters: queues.deadLetters, Undelivered: queues.undelivered }).map(
      ([name, queue]) => {
        const metric = queue.metricApproximateNumberOfMessagesVisible({ period });
        this.#alarm(name, metric, {
          threshold: 1,
          evaluationPeriods: 1,
          description: `Work was given up: kumulus doctor --stack ${Stack.of(this).stackName} shows it, and the remedy.`,
        });
        return metric;
      },
    );

    this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: Stack.of(this).stackName,
      defaultInterval: Duration.hours(3),
      widgets: this.#widgets(controlPlane, state, { iteratorAge, dead }),
    });
  }

  #alarm(
    id: string,
    metric: cloudwatch.IMetric,
    props: { threshold: number; evaluationPeriods?: number; description: string },
  ): void {
    this.alarms.push(
      new cloudwatch.Alarm(this, id, {
        alarmName: `${Stack.of(this).stackName}-${id}`,
        alarmDescription: props.description,
        metric,
        threshold: props.threshold,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: props.evaluationPeriods ?? periods,
        // A function that nothing calls, and a queue that nothing was ever put in, have no values.
        treatMissingData: TreatMissingData.NOT_BREACHING,
      }),
    );
  }

  #widgets(
    { functions, queues, endpoint }: ControlPlane,
    { table }: State,
    shown: { iteratorAge: cloudwatch.IMetric; dead: cloudwatch.IMetric[] },
  ): cloudwatch.IWidget[][] {
    const each = Object.entries(functions);
    const graph = (title: string, left: cloudwatch.IMetric[], right: cloudwatch.IMetric[] = []) =>
      new cloudwatch.GraphWidget({ title, left, right, width: 8, height: 6 });
    const stage = endpoint.api.deploymentStage;
    const waiting = { work: queues.work, scheduler: queues.scheduler, delays: queues.delays };
    return [
      [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: this.alarms, width: 24, height: 3 })],
      [
        graph('Requests', [stage.metricCount()], [stage.metricClientError(), stage.metricServerError()]),
        graph('Latency of requests', [
          stage.metricLatency({ statistic: 'p50', label: 'p50' }),
          stage.metricLatency({ statistic: 'p99', label: 'p99' }),
        ]),
        graph(
          'Functions at once',
          each.map(([name, { function: one }]) =>
            one.metric('ConcurrentExecutions', { statistic: 'Maximum', label: name }),
          ),
        ),
      ],
      [
        graph(
          'Invocations',
          each.map(([name, { function: one }]) => one.metricInvocations({ label: name })),
        ),
        graph(
          'Time of an invocation, p99',
          each.map(([name, { function: one }]) => one.metricDuration({ statistic: 'p99', label: name })),
        ),
        graph(
          'Errors and throttles',
          each.map(([name, { function: one }]) => one.metricErrors({ label: `${name} failed` })),
          each.map(([name, { function: one }]) => one.metricThrottles({ label: `${name} throttled` })),
        ),
      ],
      [
        graph('Changes wait for dispatch', [shown.iteratorAge]),
        graph(
          'Oldest work',
          Object.entries(waiting).map(([name, queue]) =>
            queue.metricApproximateAgeOfOldestMessage({ label: name }),
          ),
        ),
        graph('Given up', shown.dead),
      ],
      [
        graph(
          'Table: units',
          [table.metricConsumedReadCapacityUnits({ label: 'read' })],
          [table.metricConsumedWriteCapacityUnits({ label: 'written' })],
        ),
        graph('Table: throttled', [
          new Metric({
            namespace: 'AWS/DynamoDB',
            metricName: 'WriteThrottleEvents',
            dimensionsMap: { TableName: table.tableName },
            statistic: 'Sum',
          }),
          new Metric({
            namespace: 'AWS/DynamoDB',
            metricName: 'ReadThrottleEvents',
            dimensionsMap: { TableName: table.tableName },
            statistic: 'Sum',
          }),
        ]),
        new cloudwatch.LogQueryWidget({
          title: 'What controllers gave up or tried again',
          logGroupNames: [functions.controllers.logGroup.logGroupName],
          queryLines: ['fields @timestamp, controller, key, err, msg', 'filter level >= 40', 'limit 50'],
          width: 8,
          height: 6,
        }),
      ],
    ];
  }
}
