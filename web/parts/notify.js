/**
 * parts/notify: what counts as news, and whether this browser tells of it by itself.
 */
import '../lib/lang/en-more.js';
import { html, useState } from '../lib/html.js';
import { get, memory, post } from '../lib/api.js';
import { KINDS, isOn, may, turnOff, turnOn } from '../lib/news.js';
import { t } from '../lib/text.js';
import { Bones, Icon, IconButton, Problem, useAct, useAnswer } from './bits.js';

/** On or off, with what the browser says about it. */
export function NotifySwitch() {
	const [is, set] = useState(isOn() ? 'on' : 'off');
	const { act, isBusy } = useAct();
	const flip = () => act(async () => set(is === 'on' ? (turnOff(), 'off') : await turnOn()));
	const isRefused = may() && Notification.permission === 'denied';
	if (!may()) {
		return html`<p class="note">${t('notify.cannot')}</p>`;
	}
	return html`<label class="switch"><input type="checkbox" role="switch" checked=${is === 'on'} disabled=${isRefused} aria-disabled=${isBusy} onChange=${flip} /><span>${t('notify.switch')}</span></label>
		<p class="note" role="status">${t(isRefused || is === 'denied' ? 'notify.denied' : is === 'not' ? 'notify.not' : 'notify.hint')}</p>`;
}

/** Which kinds count and show, for all browsers of this node. */
export function KindSwitches() {
	const [settings, error, load, put] = useAnswer(() => get('settings'), []);
	const { act, error: problem } = useAct();
	if (!settings) {
		return error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<${Bones} rows=${1} />`;
	}
	const flip = (/** @type {string} */ kind) => act(async () => put(await post('settings', { activity: { [kind]: !settings.activity[kind] } })));
	return html`<div class="switches">${KINDS.map((kind) => html`<label class="switch" key=${kind}><input type="checkbox" role="switch" checked=${settings.activity[kind]} onChange=${() => flip(kind)} /><span>${t(`activity.kind.${kind}`)}</span></label>`)}</div>
		${problem && html`<p class="note" role="alert">${problem}</p>`}`;
}

/** A quiet offer, once: it goes away for good. */
export function NotifyOffer() {
	const [is, set] = useState(may() && Notification.permission === 'default' && !memory.get('notify') ? 'offered' : '');
	const { act } = useAct();
	if (!is) {
		return null;
	}
	const drop = () => (memory.set('notify', 'no'), set(''));
	const said = is === 'offered' ? 'notify.offer' : is === 'on' ? 'notify.done' : `notify.${is}`;
	return html`<div class="banner hint"><${Icon} name="bell" /><p role="status">${t(said)}</p>
		${is === 'offered' && html`<button type="button" class="button" onClick=${() => act(async () => set(await turnOn()))}>${t('notify.yes')}</button>`}
		<${IconButton} icon="close" label=${t('notify.no')} onClick=${is === 'offered' ? drop : () => set('')} /></div>`;
}

/** Both, as the screen of activity shows them. @param {{ close: () => void }} props */
export function NewsSettings({ close }) {
	return html`<h2 id="dialog-title">${t('activity.settings')}</h2>
		<p class="note">${t('activity.settingsHint')}</p>
		<${KindSwitches} />
		<h3>${t('notify.title')}</h3>
		<${NotifySwitch} />
		<div class="dialog-actions"><button type="button" class="button" onClick=${close}>${t('keys.close')}</button></div>`;
}
