import type { MakeMonitor } from './monitor.ts';

interface BoardBook {
  /** The session that writes now. */
  session?: string;
  running?: string;
  /** Digests that came with the board or confirmed themselves, and were not written anew since. */
  readonly confirmed: Set<string>;
}

/** One transfer at a time, and none of what already runs and is confirmed. */
export const oneFlashAtATime: MakeMonitor = (_evidence, report) => {
  const books = new Map<string, BoardBook>();
  const bookOf = (board: string): BoardBook => {
    const known = books.get(board);
    if (known !== undefined) return known;
    const book: BoardBook = { confirmed: new Set() };
    books.set(board, book);
    return book;
  };
  return {
    onEvent(event) {
      if (event.kind === 'fault') return;
      const { atMs, board } = event;
      switch (event.kind) {
        case 'boot': {
          const book = bookOf(board);
          delete book.session;
          // What a board runs when it is first seen is its factory image.
          if (book.running === undefined) book.confirmed.add(event.digest);
          book.running = event.digest;
          return;
        }
        case 'confirm':
          bookOf(board).confirmed.add(event.digest);
          return;
        case 'offer':
          if (event.busy)
            report({
              atMs,
              board,
              message: `${board} was offered ${event.digest} while it held another session`,
            });
          return;
        case 'write-begin': {
          const book = bookOf(board);
          if (book.session !== undefined && book.session !== event.session)
            report({
              atMs,
              board,
              message: `${board} begins session ${event.session} while session ${book.session} is open`,
            });
          if (book.running === event.digest && book.confirmed.has(event.digest))
            report({
              atMs,
              board,
              message: `${board} is flashed again with ${event.digest}, which it runs and has confirmed`,
            });
          book.session = event.session;
          return;
        }
        case 'write-end': {
          const book = bookOf(board);
          if (book.session === event.session) delete book.session;
          if (event.result === 'written' && book.running !== event.digest)
            book.confirmed.delete(event.digest);
          return;
        }
      }
    },
  };
};
