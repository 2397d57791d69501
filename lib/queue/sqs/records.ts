/** What Lambda hands to a function whose event source is a queue ("Using Lambda with Amazon SQS"). */
export interface SqsEvent {
  Records: SqsRecord[];
}

export interface SqsRecord {
  messageId: string;
  body: string;
  attributes?: { MessageGroupId?: string; ApproximateReceiveCount?: string; SentTimestamp?: string };
}

/** `ReportBatchItemFailures`: what is named comes back when its visibility timeout has ended. */
export interface SqsBatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}
