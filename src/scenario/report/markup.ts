/** Text that is markup already, so that it is not escaped again. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | undefined | readonly (Markup | undefined)[];

/** A template for XML and HTML: every value is escaped but Markup; lists are joined, undefined is nothing. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const texts = parts.map((part) => {
    if (part === undefined) return '';
    if (part instanceof Markup) return part.text;
    if (typeof part === 'object') return part.map((item) => item?.text ?? '').join('');
    return escapeMarkup(String(part));
  });
  return new Markup(strings.reduce((text, string, index) => text + string + (texts[index] ?? ''), ''));
}

/** Safe in text and in quoted attributes; characters that XML 1.0 does not know become U+FFFD. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}
