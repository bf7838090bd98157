import { stringify } from 'yaml';
import type { CustomResourceDefinition } from '../../src/kube/crd.ts';
import { DEVICE_CRD } from '../../src/kube/device.ts';
import { FIRMWARE_ROLLOUT_CRD } from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB_CRD } from '../../src/kube/flash-job.ts';

/** What the operator brings to a cluster; Akri's own kinds come with Akri. */
const DEFINITIONS: readonly CustomResourceDefinition[] = [DEVICE_CRD, FIRMWARE_ROLLOUT_CRD, FLASH_JOB_CRD];

const NOTE = '# Made from src/kube by `node operator/crds/write.ts`; edit there.\n';

/** The files of this folder: content by name. test/operator/crds.test.ts holds them to it. */
export function definitionFiles(): ReadonlyMap<string, string> {
  return new Map(
    DEFINITIONS.map((definition) => [
      `${definition.metadata.name}.yaml`,
      NOTE + stringify(definition, { lineWidth: 110, aliasDuplicateObjects: false }),
    ]),
  );
}
