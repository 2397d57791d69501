import type { HTTPGetAction, Lifecycle, LifecycleHandler, PodOS, Probe } from '../../../gen/types.ts';
import { filled, matches, optionalChoice, requiredChoice } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, invalidValue, required } from '../../../validate/field-error.ts';
import { httpHeaderName } from '../../../validate/formats.ts';
import { nonnegative } from '../../../validate/object-meta.ts';
import type { Path } from '../../../validate/path.ts';
import { portNumberOrName } from '../../../validate/ports.ts';

type Handler = Partial<Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & LifecycleHandler>;

/** `graceSeconds` is the pod's, which bounds what a handler may sleep. */
export function validateProbe(
  kind: 'liveness' | 'readiness' | 'startup',
  probe: Probe | undefined,
  graceSeconds: number | undefined,
  path: Path,
): FieldError[] {
  if (!probe) return [];
  const errors = validateHandler(probe, graceSeconds, path);
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    errors.push(...nonnegative(probe[field], path.child(field)));
  }
  const { terminationGracePeriodSeconds } = probe;
  const gracePath = path.child('terminationGracePeriodSeconds');
  if (terminationGracePeriodSeconds !== undefined && terminationGracePeriodSeconds <= 0) {
    errors.push(invalidValue(gracePath, terminationGracePeriodSeconds, 'must be greater than 0'));
  }
  if (kind === 'readiness') {
    if (terminationGracePeriodSeconds !== undefined) {
      const detail = 'must not be set for readinessProbes';
      errors.push(invalidValue(gracePath, terminationGracePeriodSeconds, detail));
    }
  } else if (probe.successThreshold !== 1) {
    errors.push(invalidValue(path.child('successThreshold'), probe.successThreshold, 'must be 1'));
  }
  return errors;
}

export function validateLifecycle(
  { postStart, preStop, stopSignal }: Lifecycle,
  graceSeconds: number | undefined,
  os: PodOS | undefined,
  path: Path,
): FieldError[] {
  return [
    ...(postStart ? validateHandler(postStart, graceSeconds, path.child('postStart')) : []),
    ...(preStop ? validateHandler(preStop, graceSeconds, path.child('preStop')) : []),
    ...(stopSignal === undefined ? [] : validateStopSignal(stopSignal, os, path.child('stopSignal'))),
  ];
}

function validateHandler(handler: Handler, graceSeconds: number | undefined, path: Path): FieldError[] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const checks: [name: string, check: (() => FieldError[]) | undefined][] = [
    ['exec', exec && (() => (exec.command?.length ? [] : [required(path.child('exec', 'command'))]))],
    ['httpGet', httpGet && (() => validateHttpGet(httpGet, path.child('httpGet')))],
    ['tcpSocket', tcpSocket && (() => portNumberOrName(tcpSocket.port, path.child('tcpSocket', 'port')))],
    ['grpc', grpc && (() => portNumberOrName(grpc.port, path.child('grpc', 'port')))],
    ['sleep', sleep && (() => validateSleep(sleep.seconds, graceSeconds, path.child('sleep')))],
  ];
  const given = checks.filter(([, check]) => check !== undefined);
  if (given.length === 0) return [required(path, 'must specify a handler type')];
  return given.flatMap(([name, check], index) =>
    index === 0
      ? (check?.() ?? [])
      : [fieldForbidden(path.child(name), 'may not specify more than 1 handler type')],
  );
}

function validateHttpGet(
  { path: target, port, scheme, httpHeaders = [] }: HTTPGetAction,
  path: Path,
): FieldError[] {
  return [
    ...filled(target, path.child('path')),
    ...portNumberOrName(port, path.child('port')),
    ...optionalChoice(scheme ?? '', ['HTTP', 'HTTPS'], path.child('scheme')),
    ...httpHeaders.flatMap(({ name }) => matches(httpHeaderName, name, path.child('httpHeaders'))),
  ];
}

function validateSleep(seconds: number, graceSeconds: number | undefined, path: Path): FieldError[] {
  if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return [];
  const detail = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
  return [invalidValue(path, seconds, detail)];
}

const plainSignals =
  'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ';
const linuxSignals = [
  ...plainSignals.split(' ').map((name) => `SIG${name}`),
  ...Array.from({ length: 16 }, (_, offset) => (offset === 0 ? 'SIGRTMIN' : `SIGRTMIN+${offset}`)),
  ...Array.from({ length: 15 }, (_, offset) => (offset === 0 ? 'SIGRTMAX' : `SIGRTMAX-${offset}`)),
].sort();

function validateStopSignal(signal: string, os: PodOS | undefined, path: Path): FieldError[] {
  if (!os) return [fieldForbidden(path, 'may not be set for containers with empty `spec.os.name`')];
  if (os.name === 'windows') return requiredChoice(signal, ['SIGKILL', 'SIGTERM'], path);
  return os.name === 'linux' ? optionalChoice(signal, linuxSignals, path) : [];
}
