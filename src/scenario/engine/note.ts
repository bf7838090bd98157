/** What the story is about at an instant: the groups in which the report and the progress show it. */
export type NoteTopic = 'rollout' | 'job' | 'fault' | 'board' | 'identity' | 'step' | 'property';

/** Something worth telling people while it happens and afterwards. */
export interface Note {
  readonly atMs: number;
  readonly topic: NoteTopic;
  readonly tone: 'info' | 'good' | 'warning' | 'bad';
  /** One line. */
  readonly text: string;
  readonly board?: string;
}

/** How often a kind of happening is told one by one before it is only counted. */
export const TOLD_ONE_BY_ONE = 5;
