import type { ComponentChildren, VNode } from 'preact';
import { Scroll } from './parts/Scroll.tsx';

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)]+)\)/g;

/** Code, bold and links; links into the repository become their text. */
const inline = (text: string): ComponentChildren[] => {
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, bold, label, target] = match;
    parts.push(text.slice(at, match.index));
    if (code !== undefined) parts.push(<code>{code}</code>);
    else if (bold !== undefined) parts.push(<b>{bold}</b>);
    else if (target?.startsWith('https:')) parts.push(<a href={target}>{label}</a>);
    else parts.push(label);
    at = match.index + whole.length;
  }
  return [...parts, text.slice(at)];
};

const cells = (line: string): string[] =>
  line
    .slice(1, line.lastIndexOf('|'))
    .split('|')
    .map((cell) => cell.trim());

const table = ([head = '', , ...rows]: readonly string[]): VNode => (
  <Scroll label="Table">
    <table class="table">
      <thead>
        <tr>
          {cells(head).map((cell) => (
            <th scope="col">{inline(cell)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            {cells(row).map((cell) => (
              <td>{inline(cell)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
);

const list = (lines: readonly string[]): VNode => {
  const items: string[] = [];
  for (const line of lines)
    if (line.startsWith('* ')) items.push(line.slice(2));
    else items[items.length - 1] += ` ${line.trim()}`;
  return (
    <ul>
      {items.map((item) => (
        <li>{inline(item)}</li>
      ))}
    </ul>
  );
};

const heading = (line: string): VNode => {
  const text = inline(line.replace(/^#+ /, ''));
  if (line.startsWith('###')) return <h3>{text}</h3>;
  return line.startsWith('##') ? <h2>{text}</h2> : <h1>{text}</h1>;
};

/** Whatever begins no other block. */
const isProse = (line: string): boolean => line.trim() !== '' && !/^(?:#|\||\* |```)/.test(line);

/** The Markdown that our own documents are written in: headings, paragraphs, lists, tables, code. */
export const markdown = (text: string): VNode[] => {
  const blocks: VNode[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    const take = (isPart: (line: string) => boolean): string[] => {
      const from = at;
      while (at < lines.length && isPart(lines[at]!)) at++;
      return lines.slice(from, at);
    };
    if (line.startsWith('```')) {
      at++;
      blocks.push(
        <Scroll label="Example">
          <pre>{take((one) => !one.startsWith('```')).join('\n')}</pre>
        </Scroll>,
      );
      at++;
    } else if (line.startsWith('#')) blocks.push(heading(lines[at++]!));
    else if (line.startsWith('|')) blocks.push(table(take((one) => one.startsWith('|'))));
    else if (line.startsWith('* ')) blocks.push(list(take((one) => one.startsWith('* ') || one.startsWith('  '))));
    else if (line.trim() === '') at++;
    else blocks.push(<p>{inline(take(isProse).join(' '))}</p>);
  }
  return blocks;
};
