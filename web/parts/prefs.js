/**
 * parts/prefs: the groups of the settings: what is kept in this browser (how the page looks and reads), and what the node tells about itself.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { get, memory } from '../lib/api.js';
import { LANGUAGES, choose } from '../lib/languages.js';
import { t } from '../lib/text.js';
import { spoken, status } from '../lib/state.js';
import { Bones, Problem, Sheet, useAct, useAnswer } from './bits.js';
import { KindSwitches, NotifySwitch } from './notify.js';
import { KeyText } from './person.js';

/** One of a few. @param {{ name: string, legend: string, at: string, choices: [string, string][], onPick: (value: string) => void }} props */
function Choices({ name, legend, at, choices, onPick }) {
	return html`<fieldset class="choices"><legend>${legend}</legend>
		${choices.map(([value, said]) => html`<label key=${value}><input type="radio" name=${name} value=${value} checked=${at === value}
			onChange=${() => onPick(value)} /><span>${said}</span></label>`)}
	</fieldset>`;
}

/** Something this browser remembers until it is switched back. @param {{ name: string, label: string, hint?: string, children?: any }} props */
function Switch({ name, label, hint, children }) {
	const [isOn, setOn] = useState(memory.get(name) !== 'off');
	const flip = () => {
		memory.set(name, isOn ? 'off' : null);
		setOn(!isOn);
	};
	return html`<label class="switch"><input type="checkbox" role="switch" checked=${isOn} aria-describedby=${`${name}-hint`} onChange=${flip} /><span>${label}</span></label>
		<p class="note" id=${`${name}-hint`}>${hint}${children}</p>`;
}

/** A choice that boot.js reads too, as an attribute of the page. @param {'theme' | 'size'} name @param {string} value '' is as the device has it */
function mark(name, value) {
	memory.set(name, value || null);
	if (value) {
		document.documentElement.dataset[name] = value;
	} else {
		delete document.documentElement.dataset[name];
	}
}

/** @param {{ name: 'theme' | 'size', legend: string, choices: [string, string][] }} props */
function Marked({ name, legend, choices }) {
	const [at, set] = useState(memory.get(name) ?? '');
	return html`<${Choices} name=${name} legend=${legend} at=${at} choices=${choices} onPick=${(/** @type {string} */ value) => (set(value), mark(name, value))} />`;
}

function Language() {
	const at = useValue(spoken);
	const { act, error } = useAct();
	const pick = (/** @type {string} */ code) =>
		act(async () => {
			await choose(code);
			memory.set('lang', code);
			/* Everything was drawn anew. */
			setTimeout(() => /** @type {HTMLElement | null} */ (document.querySelector(`input[value=${code}]`))?.focus(), 50);
		});
	return html`<fieldset class="choices" aria-label=${t('settings.language')}>
		${LANGUAGES.map(([code, name]) => html`<label key=${code}><input type="radio" name="language" value=${code} checked=${at === code}
			onChange=${() => pick(code)} /><span lang=${code}>${name}</span></label>`)}
	</fieldset>
	${error && html`<p class="slip" role="alert">${error}</p>`}`;
}

export function Appearance() {
	return html`<${Sheet} id="looks" title=${t('settings.looks')}>
			<${Marked} name="theme" legend=${t('settings.theme')} choices=${[['', t('settings.system')], ['light', t('settings.light')], ['dark', t('settings.dark')]]} />
			<${Marked} name="size" legend=${t('settings.size')} choices=${[['', t('settings.sizeUsual')], ['large', t('settings.sizeLarge')], ['huge', t('settings.sizeHuge')]]} />
			<p class="note">${t('settings.motion')}</p>
		<//>
		<${Sheet} id="language" title=${t('settings.language')}><${Language} /><p class="note">${t('settings.languageHint')}</p><//>
		<${Sheet} id="reading" title=${t('settings.reading')}>
			<${Switch} name="keys" label=${t('settings.keys')} hint=${`${t('settings.keysHint')} `}>
				<button type="button" class="quiet-button" onClick=${async () => (await import('./keys.js')).showKeys()}>${t('settings.keysShow')}</button>
			<//>
			<${Switch} name="endless" label=${t('settings.endless')} hint=${t('settings.endlessHint')} />
		<//>
		<${Sheet} id="news" title=${t('activity.counts')}><p class="note">${t('activity.settingsHint')}</p><${KindSwitches} /><//>
		<${Sheet} id="notify" title=${t('notify.title')}><${NotifySwitch} /><//>`;
}

export function Privacy() {
	return html`<${Sheet} id="lists" title=${t('privacy.lists')}>
			<ul class="links"><li><a href="/people?show=mutes">${t('privacy.mutes')}</a> <span class="note">${t('privacy.mutesHint')}</span></li>
				<li><a href="/people?show=blocks">${t('privacy.blocks')}</a> <span class="note">${t('privacy.blocksHint')}</span></li></ul>
		<//>
		<${Sheet} id="seen" title=${t('privacy.seen')}><ul class="consequences">${['seen1', 'seen2', 'seen3'].map((key) => html`<li key=${key}>${t(`privacy.${key}`)}</li>`)}</ul><//>
		<${Sheet} id="private" title=${t('privacy.private')}><ul class="consequences">${['private1', 'private2', 'private3', 'private4'].map((key) => html`<li key=${key}>${t(`privacy.${key}`)}</li>`)}</ul><//>
		<${Sheet} id="unseen" title=${t('privacy.unseen')}><ul class="consequences">${['unseen1', 'unseen2', 'unseen3'].map((key) => html`<li key=${key}>${t(`privacy.${key}`)}</li>`)}</ul><//>`;
}

/** The node's own figures, fresh. */
function useNode() {
	const node = useValue(status);
	useEffect(() => {
		get('status').then((answer) => {
			status.value = answer;
		}, () => {});
	}, []);
	return node;
}

export function NetworkGroup() {
	const node = useNode();
	const [mine, error, load] = useAnswer(() => get('network'), []);
	if (!node || !mine) {
		return error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<${Bones} rows=${1} />`;
	}
	const address = mine.address ?? node.listen.address;
	return html`<${Sheet} id="reach" title=${t('reach.title')}>
			<p>${t('reach.said', { port: String(node.listen.port) })}</p>
			${address ? html`<${KeyText} text=${address} label=${t('key.addressLabel')} action=${t('key.copyAddress')} />` : html`<p class="note">${t('reach.none')}</p>`}
			<p class="note">${t('reach.page', { port: String(node.http.port) })}</p>
		<//>
		<${Sheet} id="traffic" title=${t('network.peers')}><p>${node.peers.connected > 0 ? t('network.well', { n: node.peers.connected }) : t('network.none')}</p>
			<p><a href="/network">${t('reach.see')}</a></p><//>`;
}

/** Beside the page's own files, wherever those are. */
const licences = () => /** @type {HTMLScriptElement} */ (document.querySelector('script[type=module]')).src.replace(/[^/]*$/, 'licences.txt');

export function About() {
	const node = useValue(status);
	return html`<${Sheet} id="kith" title=${t('about.kith')}>
			<p>${t('about.what')}</p><p>${t('about.terms')}</p>
			<dl class="facts"><dt>${t('network.version')}</dt><dd>${node?.version ?? ''}</dd><dt>${t('about.licence')}</dt><dd>MIT</dd></dl>
			<p><a href=${licences()} target="_blank" rel="noopener">${t('about.others')}</a></p>
		<//>
		<${Sheet} id="key-and-feed" title=${t('about.words')}><dl class="meaning">${['key', 'feed', 'node', 'copy', 'room'].map((word) => html`<div key=${word}><dt>${t(`about.${word}`)}</dt><dd>${t(`about.${word}Is`)}</dd></div>`)}</dl><//>`;
}
