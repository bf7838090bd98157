import { expect, test } from 'vitest';
import type { DeviceChannel } from '../../src/device/channel.ts';

/** One broker under test, and how to let time pass until something is so. */
export interface ChannelBench {
  connect(clientId: string): DeviceChannel;
  until(condition: () => boolean): Promise<void>;
  /** Lets everything under way arrive. */
  settle(): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** What every DeviceChannel promises (src/device/channel.ts), over any broker. */
export function channelContract(open: () => Promise<ChannelBench>): void {
  test('a subscriber gets what is published on a topic that matches, in order, and nothing else', async () => {
    const bench = await open();
    const got: string[] = [];
    bench
      .connect('reader')
      .subscribe('brickproof/+/announce', (topic, payload) => got.push(`${topic}=${text(payload)}`));
    await bench.settle();
    const writer = bench.connect('writer');
    for (const count of [1, 2, 3]) writer.publish('brickproof/a/announce', bytes(`${count}`));
    writer.publish('brickproof/a/up/report/s', bytes('other'));
    writer.publish('brickproof/b/announce', bytes('4'));
    await bench.until(() => got.length >= 4);
    await bench.settle();
    expect(got).toEqual([
      'brickproof/a/announce=1',
      'brickproof/a/announce=2',
      'brickproof/a/announce=3',
      'brickproof/b/announce=4',
    ]);
  });

  test('a retained message reaches those who subscribe later, the last one only', async () => {
    const bench = await open();
    const writer = bench.connect('writer');
    writer.publish('t/1', bytes('old'), { retain: true });
    writer.publish('t/1', bytes('new'), { retain: true });
    writer.publish('t/2', bytes('not retained'));
    await bench.settle();
    const got: string[] = [];
    bench.connect('reader').subscribe('t/#', (topic, payload) => got.push(`${topic}=${text(payload)}`));
    await bench.until(() => got.length >= 1);
    await bench.settle();
    expect(got).toEqual(['t/1=new']);
  });

  test('an empty retained message clears the topic', async () => {
    const bench = await open();
    const writer = bench.connect('writer');
    writer.publish('t/1', bytes('here'), { retain: true });
    writer.publish('t/1', new Uint8Array(0), { retain: true });
    await bench.settle();
    const got: string[] = [];
    bench.connect('reader').subscribe('t/#', (topic) => got.push(topic));
    await bench.settle();
    expect(got).toEqual([]);
  });

  test('handlers never run inside publish or subscribe', async () => {
    const bench = await open();
    const channel = bench.connect('both');
    let inside = true;
    const seen: boolean[] = [];
    channel.publish('t', bytes('retained'), { retain: true });
    await bench.settle();
    channel.subscribe('t', () => seen.push(inside));
    channel.publish('t', bytes('now'));
    inside = false;
    await bench.until(() => seen.length >= 2);
    expect(seen).not.toContain(true);
  });

  test('a subscription that has ended is silent, the other one on the same filter is not', async () => {
    const bench = await open();
    const channel = bench.connect('reader');
    const got: string[] = [];
    const first = channel.subscribe('t', () => got.push('first'));
    channel.subscribe('t', () => got.push('second'));
    await bench.settle();
    first.end();
    first.end();
    bench.connect('writer').publish('t', bytes('x'));
    await bench.until(() => got.length >= 1);
    await bench.settle();
    expect(got).toEqual(['second']);
  });

  test('a filter that is left and taken up again at once is heard', async () => {
    const bench = await open();
    const [reader, writer] = [bench.connect('reader'), bench.connect('writer')];
    const filters = Array.from({ length: 20 }, (_, index) => `t/${index}/#`);
    const first = filters.map((filter) => reader.subscribe(filter, () => {}));
    await bench.settle();
    const got: string[] = [];
    for (const [index, filter] of filters.entries()) {
      first[index]?.end();
      reader.subscribe(filter, (topic) => got.push(topic));
    }
    await bench.settle();
    await bench.settle();
    const topics = filters.map((_, index) => `t/${index}/x`);
    for (const topic of topics) writer.publish(topic, bytes('x'));
    await bench.until(() => got.length >= topics.length);
    expect(got.sort()).toEqual(topics.sort());
  });

  test('bytes arrive as they were sent, any value, up to a flash chunk', async () => {
    const bench = await open();
    const sent = Uint8Array.from({ length: 32 * 1024 }, (_, index) => (index * 31) & 0xff);
    let got: Uint8Array | undefined;
    bench.connect('reader').subscribe('t', (_, payload) => {
      got = payload;
    });
    await bench.settle();
    bench.connect('writer').publish('t', sent);
    await bench.until(() => got !== undefined);
    expect(Buffer.compare(got as Uint8Array, sent)).toBe(0);
  });

  test('a closed channel hears nothing more', async () => {
    const bench = await open();
    const reader = bench.connect('reader');
    const got: string[] = [];
    reader.subscribe('t', () => got.push('late'));
    await bench.settle();
    reader.close();
    await bench.settle();
    bench.connect('writer').publish('t', bytes('x'));
    await bench.settle();
    expect(got).toEqual([]);
  });
}
