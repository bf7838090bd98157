// scratch, never committed: node test/zz-probe.ts FILE
import { EmbeddedCluster } from '../sim/cluster/embedded-cluster.ts';
import { HttpDoor } from '../sim/cluster/http/http-door.ts';
import { SeededRandom } from '../src/random/random.ts';
import { WallClock } from './cluster/wall-clock.ts';
import { WIDGET_CRD } from './contract/kube-widget.ts';
import { Wire } from './contract/wire.ts';

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');
const { default: scenario } = await import(process.argv[2]!);
const onlyDiff = process.argv[3] !== 'all';
const door = new HttpDoor(
  new EmbeddedCluster({
    clock: new WallClock(),
    random: SeededRandom.ofSeed(1),
    freeze: true,
    tracksWriters: true,
  }),
);
const ns = `p${Date.now().toString(36)}`;
const UU = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
function norm(v: any, key = ''): any {
  if (typeof v === 'string') {
    if (key === 'resourceVersion') return /^\d+$/.test(v) ? '<rv>' : v;
    if (key === 'continue') return '<continue>';
    return v
      .replace(UU, '<uid>')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
      .replaceAll(ns, '<ns>')
      .replace(/\b\d{3,} \(\d+\)/g, '<v> (<v>)');
  }
  if (Array.isArray(v)) return v.map((x) => norm(x));
  if (v && typeof v === 'object')
    return Object.fromEntries(
      Object.keys(v)
        .sort()
        .map((k) => [k, norm(v[k], k)]),
    );
  return v;
}
async function run(wire: Wire) {
  const log: [string, string][] = [];
  let step = 0;
  const call = async (name: string, method: string, path: string, request: any = {}) => {
    try {
      const reply =
        method === 'WATCH'
          ? {
              status: 200,
              headers: {},
              body: await Promise.race([
                wire.lines(path, request.count ?? 1, request),
                new Promise((r) => setTimeout(() => r('timeout'), 3000)),
              ]).catch((e) => String(e)),
            }
          : await wire.send(method, path, request);
      const short = (b: any) => {
        if (b?.kind === 'Status' && b.status === 'Failure')
          return {
            r: b.reason,
            m: b.message,
            c: (b.details?.causes ?? []).map((c: any) => `${c.reason} ${c.field}`),
            k: b.details?.kind,
          };
        if (b?.metadata?.managedFields && !request.mf) {
          const { managedFields, ...m } = b.metadata;
          return { ...b, metadata: m };
        }
        return b;
      };
      const pick = (request.show ?? short)(reply.body);
      log.push([
        `${++step} ${name}`,
        `${reply.status} ${(reply.headers as any).warning ?? ''}\n${JSON.stringify(norm(pick), null, 1)}`,
      ]);
      return reply.body as any;
    } catch (e) {
      log.push([`${++step} ${name}`, String(e)]);
      return {};
    }
  };
  const base = {
    ns,
    W: `/apis/contract.brickproof.dev/v1/namespaces/${ns}/widgets`,
    CM: `/api/v1/namespaces/${ns}/configmaps`,
  };
  await wire.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: WIDGET_CRD });
  for (let i = 0; i < 100; i++) {
    if ((await wire.send('GET', '/apis/contract.brickproof.dev/v1/widgets')).status === 200) break;
    await new Promise((r) => setTimeout(r, 50));
  }
  await wire.send('POST', '/api/v1/namespaces', { body: { metadata: { name: ns } } });
  await scenario({
    call,
    ...base,
    w: (name: string, spec: any = {}, metadata: any = {}) => ({
      apiVersion: 'contract.brickproof.dev/v1',
      kind: 'Widget',
      metadata: { name, ...metadata },
      spec: { size: 1, ...spec },
    }),
    cm: (name: string, data: any = {}, metadata: any = {}) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, ...metadata },
      data,
    }),
  });
  return log;
}
const realWire = new Wire({ url: 'https://127.0.0.1:46443', token: 'admintoken' });
const embWire = new Wire({ url: await door.listen() });
const [real, emb] = await Promise.all([run(realWire), run(embWire)]);
let same = 0;
for (const [i, [name, text]] of real.entries()) {
  const other = emb[i]?.[1];
  if (other === text) {
    same++;
    if (!onlyDiff) console.log(`== ${name}: SAME ${text.slice(0, 600)}`);
    continue;
  }
  console.log(`== ${name}`);
  const a = text.split('\n'),
    b = (other ?? '').split('\n');
  const setB = new Set(b),
    setA = new Set(a);
  if (a.length > 60) {
    for (const l of a) if (!setB.has(l)) console.log('  real: ' + l);
    for (const l of b) if (!setA.has(l)) console.log('   emb: ' + l);
  } else {
    console.log(
      '  REAL ' +
        a
          .map((l) => l.trim())
          .join(' ')
          .slice(0, 620),
    );
    console.log(
      '  EMB  ' +
        b
          .map((l) => l.trim())
          .join(' ')
          .slice(0, 900),
    );
  }
}
console.log(`${same} same of ${real.length}`);
realWire.close();
embWire.close();
await door.close();
process.exit(0);
