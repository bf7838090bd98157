import { afterAll, beforeAll, describe } from 'vitest';
import type { KubeApi } from '../../src/kube/api.ts';
import type { CustomResourceDefinition } from '../../src/kube/crd.ts';
import type { KubeObject, NewObject } from '../../src/kube/object.ts';
import type { Doors } from './access-bench.ts';
import { type Need, type NotApplicable, tallyOf } from './case-tally.ts';
import { accessContract } from './kube-access.ts';
import { applyContract } from './kube-apply.ts';
import { applyFormContract } from './kube-apply-forms.ts';
import { applyTypeContract } from './kube-apply-types.ts';
import { batchContract } from './kube-batch.ts';
import { celContract } from './kube-cel.ts';
import { celChangeContract } from './kube-cel-changes.ts';
import { celDefinitionContract } from './kube-cel-definitions.ts';
import { crdDefinitionContract } from './kube-crd-definitions.ts';
import { crdLifecycleContract } from './kube-crd-lifecycle.ts';
import { crdObjectContract } from './kube-crd-objects.ts';
import { crdSchemaContract } from './kube-crd-schemas.ts';
import { crdServingContract } from './kube-crd-serving.ts';
import { crdUpdateContract } from './kube-crd-updates.ts';
import { deletionContract } from './kube-deletion.ts';
import { fieldSelectorContract } from './kube-fields.ts';
import { bodyContract } from './kube-http-body.ts';
import { optionsContract } from './kube-http-options.ts';
import { pathContract } from './kube-http-paths.ts';
import { identityContract } from './kube-identity.ts';
import { listContract } from './kube-list.ts';
import { listVersionContract } from './kube-list-versions.ts';
import { managedFieldsContract } from './kube-managed-fields.ts';
import { namespaceContract } from './kube-namespaces.ts';
import { ownKindsContract } from './kube-own-kinds.ts';
import { pastContract } from './kube-past.ts';
import { patchContract } from './kube-patch.ts';
import { podContract } from './kube-pods.ts';
import { roleContract } from './kube-roles.ts';
import { scaleContract } from './kube-scale.ts';
import { schemaContract } from './kube-schema.ts';
import { shapeContract } from './kube-shapes.ts';
import { verbContract } from './kube-verbs.ts';
import { watchContract } from './kube-watch.ts';
import { watchStartContract } from './kube-watch-start.ts';
import { CRD, NAMESPACE, newWidget, WIDGET, WIDGET_CRD, type Widget } from './kube-widget.ts';
import { workloadContract } from './kube-workloads.ts';
import { yamlContract } from './kube-yaml.ts';
import type { Wire } from './wire.ts';

/** A server under test. */
export interface Subject {
  readonly api: KubeApi;
  /** Others than the administrator, whom `api` is. */
  readonly doors: Doors;
  /** Requests as they stand, where the server speaks HTTP. */
  readonly wire?: Wire;
  /** Forgets everything before now: it can be neither watched nor listed from then on. */
  forgetPast(): Promise<void>;
  /** Starts controllers that must not run before Widgets are served. */
  startControllers?(): Promise<void>;
  /** Lets the server's own controllers take a step; called in loops that wait for them. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** What the cases work with: a server that knows Widgets, and a fresh namespace on demand. */
export interface Bench {
  readonly api: KubeApi;
  readonly doors: Doors;
  /** Only for cases that need HTTP. */
  readonly wire: Wire;
  namespace(): Promise<string>;
  /** A name that no other case uses, for what lives outside namespaces. */
  unique(prefix: string): string;
  widget(namespace: string, name: string, spec?: Partial<Widget['spec']>, metadata?: object): Promise<Widget>;
  /** Tries until `check` holds, with steps of the server between; throws after 500 tries. */
  eventually(check: () => Promise<boolean>): Promise<void>;
  forgetPast(): Promise<void>;
  /** Cases that need more than every back end has; where it is missing they are counted as not applicable. */
  needing(need: Need, title: string, cases: () => void): void;
}

/** The promises of KubeApi, as cases that every implementation must pass. `lacks` says what cannot be asked of this one, and why. */
export function kubeContract(title: string, lacks: NotApplicable, start: () => Promise<Subject>): void {
  describe(title, () => {
    let subject: Subject;
    let names = 0;
    const run = `c${process.pid.toString(36)}`;

    const bench: Bench = {
      get api() {
        return subject.api;
      },
      get doors() {
        return subject.doors;
      },
      get wire() {
        if (subject.wire === undefined) throw new Error('this back end does not speak HTTP');
        return subject.wire;
      },
      async namespace() {
        const name = bench.unique('ns');
        await subject.api.create(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
        return name;
      },
      unique: (prefix) => `${prefix}-${run}-${++names}`,
      widget: (namespace, name, spec, metadata) =>
        subject.api.create(WIDGET, newWidget(namespace, name, spec, metadata)),
      async eventually(check) {
        for (let tries = 0; tries < 500; tries++) {
          if (await check()) return;
          await subject.settle();
        }
        throw new Error('what was waited for did not happen');
      },
      forgetPast: () => subject.forgetPast(),
      needing(need, what, cases) {
        const suite = lacks[need] === undefined ? describe : describe.skip;
        suite(`${what} (needs ${need})`, cases);
      },
    };

    beforeAll(async () => {
      subject = await start();
      const crd = WIDGET_CRD as unknown as NewObject<CustomResourceDefinition & KubeObject>;
      await subject.api.create(CRD, crd);
      await bench.eventually(() =>
        subject.api.list(WIDGET).then(
          () => true,
          () => false,
        ),
      );
      await subject.startControllers?.();
    });
    afterAll(async (suite) => {
      await subject.close();
      console.log(tallyOf(title, suite, lacks));
    });

    verbContract(bench);
    listContract(bench);
    listVersionContract(bench);
    patchContract(bench);
    bodyContract(bench);
    optionsContract(bench);
    pathContract(bench);
    managedFieldsContract(bench);
    fieldSelectorContract(bench);
    shapeContract(bench);
    yamlContract(bench);
    watchContract(bench);
    watchStartContract(bench);
    applyContract(bench);
    applyFormContract(bench);
    applyTypeContract(bench);
    deletionContract(bench);
    namespaceContract(bench);
    schemaContract(bench);
    crdSchemaContract(bench);
    crdDefinitionContract(bench);
    crdLifecycleContract(bench);
    crdObjectContract(bench);
    crdUpdateContract(bench);
    crdServingContract(bench);
    celContract(bench);
    celChangeContract(bench);
    ownKindsContract(bench);
    celDefinitionContract(bench);
    scaleContract(bench);
    workloadContract(bench);
    podContract(bench);
    batchContract(bench);
    accessContract(bench);
    roleContract(bench);
    identityContract(bench);
    pastContract(bench);
  });
}
