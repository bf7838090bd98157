import type { Environment } from '@marcbachmann/cel-js';
import { formatIp, type IpBits, networkOf, parseIp } from './ip-address.ts';

class Ip {
  readonly address: IpBits;

  constructor(address: IpBits) {
    this.address = address;
  }

  toString(): string {
    return formatIp(this.address);
  }

  /** Its first bits, as a number. */
  first(count: number): bigint {
    return this.address.value >> BigInt(this.address.bits - count);
  }
}

class Cidr {
  readonly address: IpBits;
  readonly length: number;

  constructor(address: IpBits, length: number) {
    this.address = address;
    this.length = length;
  }

  toString(): string {
    return `${formatIp(this.address)}/${this.length}`;
  }

  contains({ bits, value }: IpBits): boolean {
    const mine = networkOf(this.address, this.length);
    return bits === mine.bits && networkOf({ bits, value }, this.length).value === mine.value;
  }
}

/** What `ip` is in `ip.isCanonical(...)`. */
class IpNamespace {}

/** Source: k8s.io/apiserver v0.32, pkg/cel/library/ip.go and cidr.go; Go's net/netip for the classes. */
export function addIpFunctions(environment: Environment): void {
  environment
    .registerType('IP', { ctor: Ip, fields: {} })
    .registerType('CIDR', { ctor: Cidr, fields: {} })
    .registerType('IPNamespace', { ctor: IpNamespace, fields: {} })
    .registerConstant('ip', 'IPNamespace', new IpNamespace())
    .registerOperator('IP == IP', (left: Ip, right: Ip) => `${left}` === `${right}`)
    .registerOperator('CIDR == CIDR', (left: Cidr, right: Cidr) => `${left}` === `${right}`);
  const add = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler, { async: false });
  };
  add('ip(string): IP', (text: string) => readIp(text));
  add('isIP(string): bool', (text: string) => parseIp(text) !== undefined);
  add('IPNamespace.isCanonical(string): bool', (_: IpNamespace, text: string) => `${readIp(text)}` === text);
  add('string(IP): string', (ip: Ip) => `${ip}`);
  const is4 = (ip: Ip): boolean => ip.address.bits === 32;
  add('IP.family(): int', (ip: Ip) => (is4(ip) ? 4n : 6n));
  add('IP.isUnspecified(): bool', (ip: Ip) => ip.address.value === 0n);
  const isLoopback = (ip: Ip): boolean => (is4(ip) ? ip.first(8) === 127n : ip.address.value === 1n);
  add('IP.isLoopback(): bool', isLoopback);
  add('IP.isLinkLocalMulticast(): bool', (ip: Ip) =>
    is4(ip) ? ip.first(24) === 0xe00000n : (ip.first(16) & 0xff0fn) === 0xff02n,
  );
  const isLinkLocal = (ip: Ip): boolean => (is4(ip) ? ip.first(16) === 0xa9fen : ip.first(10) === 0x3fan);
  add('IP.isLinkLocalUnicast(): bool', isLinkLocal);
  add('IP.isGlobalUnicast(): bool', (ip: Ip) => {
    const isMulticast = is4(ip) ? ip.first(4) === 0xen : ip.first(8) === 0xffn;
    const isBroadcast = is4(ip) && ip.address.value === 0xffffffffn;
    return ip.address.value !== 0n && !isMulticast && !isBroadcast && !isLoopback(ip) && !isLinkLocal(ip);
  });

  add('cidr(string): CIDR', (text: string) => readCidr(text));
  add('isCIDR(string): bool', (text: string) => parseCidr(text) !== undefined);
  add('string(CIDR): string', (cidr: Cidr) => `${cidr}`);
  add('CIDR.containsIP(IP): bool', (cidr: Cidr, ip: Ip) => cidr.contains(ip.address));
  add('CIDR.containsIP(string): bool', (cidr: Cidr, text: string) => cidr.contains(readIp(text).address));
  const holds = (cidr: Cidr, other: Cidr): boolean =>
    other.length >= cidr.length && cidr.contains(other.address);
  add('CIDR.containsCIDR(CIDR): bool', holds);
  add('CIDR.containsCIDR(string): bool', (cidr: Cidr, text: string) => holds(cidr, readCidr(text)));
  add('CIDR.ip(): IP', (cidr: Cidr) => new Ip(cidr.address));
  add('CIDR.masked(): CIDR', (cidr: Cidr) => new Cidr(networkOf(cidr.address, cidr.length), cidr.length));
  add('CIDR.prefixLength(): int', (cidr: Cidr) => BigInt(cidr.length));
}

function readIp(text: string): Ip {
  const address = parseIp(text);
  if (address === undefined)
    throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return new Ip(address);
}

function parseCidr(text: string): Cidr | undefined {
  const [base = '', length = '', ...more] = text.split('/');
  const address = parseIp(base);
  if (more.length > 0 || address === undefined || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  return Number(length) <= address.bits ? new Cidr(address, Number(length)) : undefined;
}

function readCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined)
    throw new Error(`network address parse error during conversion from string: ${JSON.stringify(text)}`);
  return cidr;
}
