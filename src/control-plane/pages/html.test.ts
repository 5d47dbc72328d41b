import { describe, expect, it } from 'vitest';
import { html } from './html.ts';

describe('html', () => {
  it('escapes what is put in, in text and in attributes', () => {
    const evil = `"><script>alert('x')</script>&amp;`;
    expect(html`<a title="${evil}">${evil}</a>`.text).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;</a>',
    );
  });
  it('takes HTML of its own as it is, lists one after another, and writes nothing for what is not there', () => {
    expect(
      html`<ul>${['<', 'b'].map((item) => html`<li>${item}</li>`)}</ul>${undefined}${null}${false}${true}${0}`.text,
    ).toBe('<ul><li>&lt;</li><li>b</li></ul>0');
  });
});
