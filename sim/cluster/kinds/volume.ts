import {
  atomic,
  bool,
  int,
  intOrText,
  keyedList,
  list,
  object,
  open,
  openObject,
  type Schema,
  text,
} from './schema.ts';

/** Source: core/v1 ObjectFieldSelector. */
export const fieldRef = atomic(object({ apiVersion: text, fieldPath: text }));

/** Source: core/v1 ResourceFieldSelector. */
export const resourceFieldRef = atomic(object({ containerName: text, resource: text, divisor: intOrText }));

const files = list(object({ key: text, path: text, mode: int }));
const downwardFiles = list(object({ path: text, fieldRef, resourceFieldRef, mode: int }));
const fromMap = { items: files, defaultMode: int, optional: bool };

/** Kinds of volumes that are kept as they come. */
const VENDORS = [
  ...['awsElasticBlockStore', 'azureDisk', 'azureFile', 'cephfs', 'cinder', 'fc', 'flexVolume', 'flocker'],
  ...['gcePersistentDisk', 'gitRepo', 'glusterfs', 'iscsi', 'photonPersistentDisk', 'portworxVolume'],
  ...['quobyte', 'rbd', 'scaleIO', 'storageos', 'vsphereVolume'],
];

/** Source: core/v1 Volume. */
export const volumes: Schema = {
  ...keyedList(
    'name',
    object({
      name: text,
      configMap: object({ name: text, ...fromMap }),
      csi: openObject({ driver: text, readOnly: bool }),
      downwardAPI: object({ items: downwardFiles, defaultMode: int }),
      emptyDir: object({ medium: text, sizeLimit: intOrText }),
      ephemeral: open,
      hostPath: object({ path: text, type: text }),
      image: object({ reference: text, pullPolicy: text }),
      nfs: object({ server: text, path: text, readOnly: bool }),
      persistentVolumeClaim: object({ claimName: text, readOnly: bool }),
      projected: object({ sources: list(open), defaultMode: int }),
      secret: object({ secretName: text, ...fromMap }),
      ...Object.fromEntries(VENDORS.map((vendor) => [vendor, open])),
    }),
  ),
};
