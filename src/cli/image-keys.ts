import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { keyDigestOf, schemeOfKey } from '../esp/signature-block.ts';
import { rejectUsage } from './failure.ts';
import { readTextInput } from './input-file.ts';

/** A private key that Secure Boot V2 can use, out of a PEM file. */
export function readPrivateKey(path: string): KeyObject {
  return readKey(path, 'private', (pem) => createPrivateKey(pem));
}

/** Digests of the keys to trust: out of PEM files (public or private keys), and as they stand in eFuse. */
export function trustedDigests(keyFiles: readonly string[], digests: readonly string[]): string[] {
  for (const digest of digests)
    if (!/^[0-9a-f]{64}$/i.test(digest)) rejectUsage(`--key-digest ${digest}: 64 hex digits are wanted`);
  return [
    ...keyFiles.map((path) => keyDigestOf(readKey(path, 'public', (pem) => createPublicKey(pem)))),
    ...digests.map((digest) => digest.toLowerCase()),
  ];
}

function readKey(path: string, what: string, parse: (pem: string) => KeyObject): KeyObject {
  const pem = readTextInput(path);
  if (/ENCRYPTED/.test(pem))
    rejectUsage(`${path} is protected by a passphrase; decrypt it first, as with openssl pkey`);
  let key: KeyObject;
  try {
    key = parse(pem);
  } catch {
    rejectUsage(`${path} holds no ${what} key in PEM form`);
  }
  try {
    schemeOfKey(key);
    return key;
  } catch (error) {
    if (error instanceof RangeError) rejectUsage(`${path}: ${error.message}`);
    throw error;
  }
}
