/**
 * views/raw: the signed message behind a post, as it is stored.
 */
import '../lib/lang/en-more.js';
import { html, useState } from '../lib/html.js';
import { get } from '../lib/api.js';
import { idOf, t } from '../lib/text.js';
import { full } from '../lib/time.js';
import { Bones, Empty, Problem, useAnswer } from '../parts/bits.js';
import { Page } from '../parts/shell.js';
import { copyText } from '../parts/person.js';

/** @param {{ args: string[] }} props */
export default function Raw({ args }) {
	const [isShown, show] = useState(false);
	const [message, error, load] = useAnswer(() => get(`message/${args[0]}/raw${isShown ? '?hidden=show' : ''}`), [args[0], isShown]);
	let body = html`<${Bones} rows=${2} />`;
	if (error) {
		body = error.code === 'not_found' ? html`<${Empty} said=${t('raw.none')} />` : html`<${Problem} error=${error} onRetry=${load} />`;
	} else if (message?.hidden > 0) {
		body = html`<${Empty} said=${t('raw.hidden')} then=${t('raw.hiddenDo')}><button type="button" class="button" onClick=${() => show(true)}>${t('raw.hiddenShow')}</button><//>`;
	} else if (message) {
		body = html`<div class="sheet">
			<p>${t('raw.intro')} ${message.ahead && t('raw.ahead')}</p>
			<dl class="facts">
				<dt>${t('raw.key')}</dt><dd class="mono">${message.key ?? idOf('%', args[0])}</dd>
				${message.received > 0 && html`<dt>${t('raw.received')}</dt><dd>${full(message.received)}</dd>`}
			</dl>
			<div class="raw-head"><h2>${t('raw.value')}</h2><button type="button" class="button" onClick=${() => copyText(message.value)}>${t('post.copyText')}</button></div>
			<pre class="raw" tabindex="0">${message.value}</pre>
		</div>`;
	}
	return html`<${Page} title=${t('raw.title')} back>${body}<//>`;
}
