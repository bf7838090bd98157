import { afterEach, describe } from 'vitest';
import { connectMqtt } from '../../operator/adapters/mqtt-channel.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { startBroker } from '../../sim/live/broker.ts';
import { SimBroker } from '../../sim/network/broker.ts';
import { type ChannelBench, channelContract } from './device-channel.ts';

describe('the simulated broker', () => {
  channelContract(async () => {
    const clock = new VirtualClock();
    const broker = new SimBroker(clock);
    const settle = async (): Promise<void> => void (await clock.run(() => false, clock.nowMs + 1000));
    return {
      connect: () => broker.localChannel(),
      until: async (condition) => void (await clock.run(condition, clock.nowMs + 60_000)),
      settle,
    };
  });
});

describe('aedes over TCP', () => {
  const open: (() => void)[] = [];
  afterEach(() => {
    for (const close of open.splice(0)) close();
  });

  channelContract(async (): Promise<ChannelBench> => {
    const broker = await startBroker();
    open.push(() => void broker.close());
    let pings = 0;
    const connect = (clientId: string) => {
      const channel = connectMqtt({ url: broker.url, clientId });
      open.push(() => channel.drop());
      return channel;
    };
    let heard = 0;
    const until = async (condition: () => boolean): Promise<void> => {
      for (const end = Date.now() + 10_000; !condition() && Date.now() < end; )
        await new Promise((resolve) => setTimeout(resolve, 2));
    };
    let probeIsUp = false;
    const probe = connectMqtt({
      url: broker.url,
      clientId: 'probe',
      onUp: () => {
        probeIsUp = true;
      },
    });
    open.push(() => probe.drop());
    await until(() => probeIsUp);
    probe.subscribe('probe/echo', () => heard++);
    return {
      connect,
      until,
      // Three round trips through the broker after which nothing sent before them is still under way.
      settle: async () => {
        for (let round = 0; round < 3; round++) {
          const before = heard;
          probe.publish('probe/echo', new TextEncoder().encode(`${++pings}`));
          await until(() => heard > before);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      },
    };
  });
});
