/**
 * views/raw: the signed message behind a post, as it is stored.
 */
import '../lib/lang/en-more.js';
import { html, useState } from '../lib/html.js';
import { get } from '../lib/api.js';
import { idOf, messagePath, personPath, t } from '../lib/text.js';
import { full } from '../lib/time.js';
import { Bones, Empty, Icon, Problem, useAnswer } from '../parts/bits.js';
import { Page } from '../parts/shell.js';
import { copyText } from '../parts/person.js';

/** What is in every message, in its order. */
const FIELDS = ['previous', 'author', 'sequence', 'timestamp', 'hash', 'content', 'signature'];

/** The message as a tree; null when it cannot be read. @param {string} text @returns {any} */
function read(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

/** @param {string} text */
function pretty(text) {
	const tree = read(text);
	return tree ? JSON.stringify(tree, null, 2) : text;
}

/** @param {{ name: string, value: any }} props */
function Field({ name, value }) {
	let shown = value === null ? t('raw.noneBefore') : String(value);
	if (name === 'content') {
		shown = typeof value === 'string' ? t('raw.encrypted') : t('raw.type', { type: String(value?.type ?? '') });
	} else if (name === 'timestamp') {
		shown = `${value} (${full(Number(value))})`;
	}
	const link = name === 'author' ? personPath(String(value)) : name === 'previous' && value ? `${messagePath(String(value))}/raw` : '';
	return html`<div class="raw-field"><dt><code>${name}</code></dt>
		<dd><p>${t(`raw.is.${name}`)}</p><p class="mono">${link ? html`<a href=${link}>${shown}</a>` : shown}</p></dd></div>`;
}

/** @param {{ args: string[] }} props */
export default function Raw({ args }) {
	const [isShown, show] = useState(false);
	const [message, error, load] = useAnswer(() => get(`message/${args[0]}/raw${isShown ? '?hidden=show' : ''}`), [args[0], isShown]);
	const tree = message ? read(message.value) : null;
	let body = html`<${Bones} rows=${2} />`;
	if (error) {
		body = error.code === 'not_found' ? html`<${Empty} said=${t('raw.none')} />` : html`<${Problem} error=${error} onRetry=${load} />`;
	} else if (message?.hidden > 0) {
		body = html`<${Empty} said=${t('raw.hidden')} then=${t('raw.hiddenDo')}><button type="button" class="button" onClick=${() => show(true)}>${t('raw.hiddenShow')}</button><//>`;
	} else if (message) {
		body = html`<div class="sheet">
			<p class="lead-in">${t('raw.intro')} ${message.ahead && t('raw.ahead')}</p>
			<dl class="facts">
				<dt>${t('raw.key')}</dt><dd class="mono">${message.key ?? idOf('%', args[0])}</dd>
				${message.received > 0 && html`<dt>${t('raw.received')}</dt><dd>${full(message.received)}</dd>`}
			</dl>
			${tree && html`<h2>${t('raw.fields')}</h2><dl>${FIELDS.filter((name) => name in tree).map((name) => html`<${Field} key=${name} name=${name} value=${tree[name]} />`)}</dl>`}
			${message.opened && html`<section class="violet"><h2 class="sealed"><${Icon} name="lock" />${t('raw.opened')}</h2><p class="note">${t('raw.openedSaid')}</p><pre class="raw raw-opened" tabindex="0">${pretty(message.opened)}</pre></section>`}
			<div class="raw-head"><h2>${t('raw.value')}</h2><button type="button" class="button" onClick=${() => copyText(message.value)}>${t('raw.copy')}</button></div>
			<pre class="raw" tabindex="0">${tree ? JSON.stringify(tree, null, 2) : message.value}</pre>
		</div>`;
	}
	return html`<${Page} title=${t('raw.title')} back>${body}<//>`;
}
