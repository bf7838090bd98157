/** Longer than any object that a server stores; whoever sends more without an end of line sends no events. */
const LINE_CHARS_MAX = 64 * 1024 * 1024;

/**
 * A stream that a server has sent as lines of JSON, wherever the network cut it. A last line without an end is
 * dropped: it is not whole. Throws when a line is no JSON, or has no end.
 */
export async function* jsonLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      const line = rest.slice(start, end);
      start = end + 1;
      if (line.trim() !== '') yield JSON.parse(line);
    }
    rest = rest.slice(start);
    if (rest.length > LINE_CHARS_MAX) throw new Error(`an event is longer than ${LINE_CHARS_MAX} characters`);
  }
}
