export {
  createEmbeddedQueue,
  type DeadLetter,
  type EmbeddedQueue,
  type EmbeddedQueueOptions,
  type QueueMetrics,
  type WorkHandler,
} from './queue.ts';
