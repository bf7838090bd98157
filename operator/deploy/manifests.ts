import { stringify } from 'yaml';
import { agentAccess, OPERATOR_ACCESS } from '../access.ts';

const NOTE = 'Made from operator/access.ts by `node operator/deploy/write.ts`; edit there.';

const FILES = {
  'operator-access.yaml': { objects: OPERATOR_ACCESS, says: 'The operator: no more rights than it uses.' },
  'agent-access.yaml': {
    objects: agentAccess('default'),
    says: 'What a flash agent may do. Its Pods run in the namespace of the FlashJob: apply this to each of them.',
  },
};

/** The files of this folder that say who may do what: content by name. A test holds them to it. */
export function accessFiles(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(FILES).map(([name, { objects, says }]) => {
      const documents = objects.map((object) => stringify(object, { aliasDuplicateObjects: false }));
      return [name, `# ${says}\n# ${NOTE}\n${documents.join('---\n')}`];
    }),
  );
}
