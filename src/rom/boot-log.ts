/** What the mask ROM's own lines say after a reset. Source: esp-idf docs, "Boot log"; ESP32 TRM, reset and strapping. */
export type BootLogEvent =
  | {
      readonly kind: 'reset';
      /** Number in `rst:0x..`. */
      readonly reason: number;
      readonly reasonName: string;
      /** Strapping bits in `boot:0x..`. */
      readonly bootMode: number;
      readonly bootModeName: string;
    }
  | { readonly kind: 'waiting-for-download' }
  | { readonly kind: 'no-image'; readonly line: string };

const RESET = /rst:0x([0-9a-f]+) \(([^)]*)\),boot:0x([0-9a-f]+) \(([^)]*)\)/i;

/** Undefined for a line that is not the mask ROM's. */
export function readBootLogLine(line: string): BootLogEvent | undefined {
  const reset = RESET.exec(line);
  if (reset !== null) {
    const [, reason = '', reasonName = '', bootMode = '', bootModeName = ''] = reset;
    return {
      kind: 'reset',
      reason: Number.parseInt(reason, 16),
      reasonName,
      bootMode: Number.parseInt(bootMode, 16),
      bootModeName,
    };
  }
  if (/^waiting for download/.test(line)) return { kind: 'waiting-for-download' };
  if (/^(invalid header: 0x|flash read err|ets_loader\.c)/.test(line))
    return { kind: 'no-image', line: line.trimEnd() };
  return undefined;
}
