import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TopicIndex } from '../../sim/network/topic-lookup.ts';
import { topicMatches } from '../../src/device/channel.ts';
import {
  announceTopic,
  challengeTopic,
  chunkTopic,
  evidenceTopic,
  offerTopic,
  parseTopic,
  pullTopic,
  rebootTopic,
  reportTopic,
} from '../../src/device/topics.ts';

const station = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
const session = fc.stringMatching(/^[A-Za-z0-9-]{1,40}$/);
const offset = fc.integer({ min: 0, max: 0x7fff_ffff });

test('every topic that is written is read back', () => {
  fc.assert(
    fc.property(station, session, offset, offset, (s, id, at, length) => {
      expect(parseTopic(announceTopic(s))).toEqual({ station: s, kind: 'announce' });
      expect(parseTopic(challengeTopic(s))).toEqual({ station: s, kind: 'challenge' });
      expect(parseTopic(offerTopic(s))).toEqual({ station: s, kind: 'offer' });
      expect(parseTopic(rebootTopic(s))).toEqual({ station: s, kind: 'reboot' });
      expect(parseTopic(evidenceTopic(s, id))).toEqual({ station: s, kind: 'evidence', session: id });
      expect(parseTopic(reportTopic(s, id))).toEqual({ station: s, kind: 'report', session: id });
      for (const content of ['image', 'delta'] as const) {
        const common = { station: s, content, session: id, offset: at };
        expect(parseTopic(chunkTopic(s, id, content, at))).toEqual({ ...common, kind: 'chunk' });
        expect(parseTopic(pullTopic(s, id, content, at, length))).toEqual({
          ...common,
          kind: 'pull',
          length,
        });
      }
    }),
  );
});

test('foreign topics are not ours, whatever they are', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseTopic(text);
      expect(parsed === undefined || text.startsWith('brickproof/')).toBe(true);
    }),
  );
});

// Source: MQTT 3.1.1, section 4.7.1, its own examples.
test.each([
  ['sport/tennis/player1/#', 'sport/tennis/player1', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
  ['sport/#', 'sport', true],
  ['#', 'any/thing', true],
  ['#', '$SYS/uptime', false],
  ['sport/tennis/+', 'sport/tennis/player1', true],
  ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['+/+', '/finance', true],
  ['/+', '/finance', true],
  ['+', '/finance', false],
  ['+/monitor/Clients', '$SYS/monitor/Clients', false],
  ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
])('filter %s on topic %s: %s', (filter, topic, matches) => {
  expect(topicMatches(filter, topic)).toBe(matches);
});

test('the topic tree finds exactly what matching one by one finds, in the order of subscription', () => {
  const level = fc.constantFrom('a', 'b', '', '$x');
  const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
  const filters = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, rest]) => [...levels, ...(rest ? ['#'] : [])].join('/'));
  fc.assert(
    fc.property(fc.array(filters, { maxLength: 12 }), topics, (all, topic) => {
      const tree = new TopicIndex<number>();
      const removals = all.map((filter, index) => tree.add(filter, index));
      const expected = all.flatMap((filter, index) => (topicMatches(filter, topic) ? [index] : []));
      expect(tree.find(topic)).toEqual(expected);
      for (const remove of removals) remove();
      expect(tree.find(topic)).toEqual([]);
    }),
  );
});
