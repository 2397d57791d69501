/** The parameters that operations share (API reference, "Common Parameters"). */

export interface Parameter {
  in: 'query' | 'path';
  type: 'string' | 'integer' | 'boolean';
  description: string;
}

const flag = (description: string): Parameter => ({ in: 'query', type: 'boolean', description });
const text = (description: string): Parameter => ({ in: 'query', type: 'string', description });
const whole = (description: string): Parameter => ({ in: 'query', type: 'integer', description });
const step = (description: string): Parameter => ({ in: 'path', type: 'string', description });

export const parameters: Readonly<Record<string, Parameter>> = {
  name: step('name of the object'),
  namespace: step('object name and auth scope, such as for teams and projects'),
  path: step('path to the resource'),
  pretty: text('Indents the answer for people to read.'),
  allowWatchBookmarks: flag(
    'Asks for watch events of type BOOKMARK; ignored when the request is not a watch.',
  ),
  continue: text('Carries on a list that was limited: the token that the last page gave.'),
  fieldSelector: text('Restricts the objects by their fields. Defaults to everything.'),
  labelSelector: text('Restricts the objects by their labels. Defaults to everything.'),
  limit: whole('The most objects to answer with; more are fetched with the continue token.'),
  resourceVersion: text('Which resource versions the answer may be made from.'),
  resourceVersionMatch: text('How resourceVersion is applied to a list: Exact or NotOlderThan.'),
  sendInitialEvents: flag('Begins a watch with the objects that there are, then a bookmark.'),
  timeoutSeconds: whole('Limits the duration of the call, whether it is busy or not.'),
  watch: flag('Streams the changes of the objects as add, update and remove notifications.'),
  dryRun: text('Processes every stage of the request but stores nothing. The valid value is All.'),
  fieldManager: text('The name of who makes the change: less than 128 printable characters.'),
  fieldValidation: text(
    'What happens with unknown and duplicate fields: Ignore, Warn (the default) or Strict.',
  ),
  force: flag('Takes over the fields of an apply request that others own. For apply requests only.'),
  gracePeriodSeconds: whole('Seconds before the object is deleted; 0 means at once.'),
  orphanDependents: flag('Deprecated: use propagationPolicy. Whether dependents stay.'),
  propagationPolicy: text('Whether and how dependents are collected: Orphan, Background or Foreground.'),
  container: text('The container whose logs to stream. Defaults to the only one there is.'),
  follow: flag('Follows the log stream of the pod. Defaults to false.'),
  limitBytes: whole('The number of bytes to read before the log output ends.'),
  previous: flag('Answers with the logs of the container that was terminated before. Defaults to false.'),
  sinceSeconds: whole('Seconds before now from which to show logs.'),
  stream: text('Which of the container’s streams to answer with: All, Stdout or Stderr.'),
  tailLines: whole('The number of lines from the end of the logs to show.'),
  timestamps: flag('Puts an RFC 3339 timestamp at the start of every line of log output.'),
};

/** @throws Error for a name that there is not, which is a mistake in `operations.ts`. */
export function parameterNamed(name: string): Parameter {
  const found = parameters[name];
  if (!found) throw new Error(`no such parameter: ${name}`);
  return found;
}
