import {
  atomic,
  bool,
  int,
  intOrText,
  keyedList,
  list,
  map,
  object,
  oneOf,
  open,
  type Schema,
  text,
} from './schema.ts';
import { fieldRef, resourceFieldRef } from './volume.ts';

const keyRef = atomic(object({ name: text, key: text, optional: bool }, 'key'));
const wholeRef = object({ name: text, optional: bool });

const handler = {
  exec: object({ command: list(text) }),
  httpGet: object(
    {
      path: text,
      port: intOrText,
      host: text,
      scheme: text,
      httpHeaders: list(object({ name: text, value: text }, 'name', 'value')),
    },
    'port',
  ),
  tcpSocket: object({ port: intOrText, host: text }, 'port'),
};

const probe = object({
  ...handler,
  grpc: object({ port: int, service: text }, 'port'),
  initialDelaySeconds: int,
  timeoutSeconds: int,
  periodSeconds: int,
  successThreshold: int,
  failureThreshold: int,
  terminationGracePeriodSeconds: int,
});

const hook = object({ ...handler, sleep: object({ seconds: int }) });
const profile = object({ type: text, localhostProfile: text });

/** What the security contexts of Pods and of their containers have in common. */
export const confinement = {
  appArmorProfile: profile,
  runAsGroup: int,
  runAsNonRoot: bool,
  runAsUser: int,
  seLinuxOptions: object({ user: text, role: text, type: text, level: text }),
  seccompProfile: profile,
  windowsOptions: open,
};

/** Source: core/v1 Container. */
export const container: Schema = object({
  name: text,
  image: text,
  command: list(text),
  args: list(text),
  workingDir: text,
  env: keyedList(
    'name',
    object(
      {
        name: text,
        value: text,
        valueFrom: object({ fieldRef, resourceFieldRef, configMapKeyRef: keyRef, secretKeyRef: keyRef }),
      },
      'name',
    ),
  ),
  envFrom: list(object({ prefix: text, configMapRef: wholeRef, secretRef: wholeRef })),
  ports: keyedList(
    'containerPort',
    object(
      {
        name: text,
        containerPort: int,
        protocol: { ...text, default: 'TCP' },
        hostPort: int,
        hostIP: text,
      },
      'containerPort',
    ),
    'protocol',
  ),
  resources: {
    ...object({
      limits: map(intOrText),
      requests: map(intOrText),
      claims: list(object({ name: text, request: text }, 'name')),
    }),
    default: {},
  },
  resizePolicy: list(object({ resourceName: text, restartPolicy: text })),
  restartPolicy: text,
  volumeMounts: keyedList(
    'mountPath',
    object(
      {
        name: text,
        mountPath: text,
        readOnly: bool,
        recursiveReadOnly: text,
        subPath: text,
        subPathExpr: text,
        mountPropagation: text,
      },
      'name',
      'mountPath',
    ),
  ),
  volumeDevices: keyedList('devicePath', object({ name: text, devicePath: text }, 'name', 'devicePath')),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: object({ postStart: hook, preStop: hook }),
  imagePullPolicy: oneOf('Always', 'Never', 'IfNotPresent'),
  terminationMessagePath: { ...text, default: '/dev/termination-log' },
  terminationMessagePolicy: { ...oneOf('File', 'FallbackToLogsOnError'), default: 'File' },
  securityContext: object({
    ...confinement,
    allowPrivilegeEscalation: bool,
    capabilities: object({ add: list(text), drop: list(text) }),
    privileged: bool,
    procMount: text,
    readOnlyRootFilesystem: bool,
  }),
  stdin: bool,
  stdinOnce: bool,
  tty: bool,
});
