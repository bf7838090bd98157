export interface SelectorToken {
  readonly type: 'word' | '!' | '=' | '(' | ')' | ',' | 'comparison' | 'end';
  /** As it stands in the selector; operators other than `!` alone are `comparison` or `=`. */
  readonly text: string;
}

const TOKEN = /\s*(?:([^\s=!(),<>]+)|(!=|==|=)|(!)|(\()|(\))|(,)|([<>]))/y;

/** Cuts a label selector into words and signs; `in` and `notin` are words like any other. */
export function selectorTokens(text: string): readonly SelectorToken[] {
  const tokens: SelectorToken[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [, word, equality, not, open, close, comma, comparison] = match;
    if (word !== undefined) tokens.push({ type: 'word', text: word });
    else if (equality !== undefined) tokens.push({ type: '=', text: equality });
    else if (not !== undefined) tokens.push({ type: '!', text: '!' });
    else if (open !== undefined) tokens.push({ type: '(', text: '(' });
    else if (close !== undefined) tokens.push({ type: ')', text: ')' });
    else if (comma !== undefined) tokens.push({ type: ',', text: ',' });
    else if (comparison !== undefined) tokens.push({ type: 'comparison', text: comparison });
  }
  return tokens;
}
