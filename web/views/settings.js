/**
 * views/settings: my name and words about me, colours, shortcuts, another browser, signing out.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { ApiError, get, memory, post, remove } from '../lib/api.js';
import { publish } from '../lib/safety.js';
import { nonce, t } from '../lib/text.js';
import { isPaused, peopleChanged, phase, refresh, say, status, take } from '../lib/state.js';
import { stop } from '../lib/live.js';
import { Bones, Icon, Problem, Sheet } from '../parts/bits.js';
import { KeyText } from '../parts/person.js';
import { Page } from '../parts/shell.js';

/** @param {string} theme '' follows the device */
export function setTheme(theme) {
	memory.set('theme', theme || null);
	if (theme) {
		document.documentElement.dataset.theme = theme;
	} else {
		delete document.documentElement.dataset.theme;
	}
}

function Profile() {
	const [was, setWas] = useState(/** @type {{ name: string, bio: string } | null} */ (null));
	const [name, setName] = useState('');
	const [bio, setBio] = useState('');
	const [error, setError] = useState(/** @type {any} */ (null));
	const [isBusy, setBusy] = useState(false);
	const isKept = isPaused(useValue(status));
	const load = async () => {
		setError(null);
		try {
			const answer = await get('me');
			setWas({ name: answer.person.name, bio: answer.bio ?? '' });
			setName(answer.person.name);
			setBio(answer.bio ?? '');
		} catch (problem) {
			setError(problem);
		}
	};
	useEffect(() => {
		load();
	}, []);
	const save = async () => {
		if (!was || isBusy) {
			return;
		}
		/** @type {Record<string, string>} */
		const change = {};
		if (name.trim() !== was.name) {
			change.name = name.trim();
		}
		if (bio.trim() !== was.bio) {
			change.bio = bio.trim();
		}
		if (Object.keys(change).length === 0) {
			say(t('settings.same'));
			return;
		}
		setBusy(true);
		setError(null);
		try {
			await publish('profile', { ...change, nonce: nonce() });
			setWas({ name: name.trim(), bio: bio.trim() });
			take({ people: [(await get('me')).person] });
			peopleChanged.value++;
			say(t('settings.saved'));
		} catch (problem) {
			if (problem instanceof ApiError && problem.draft) {
				say(t('write.keptDraft', { n: problem.draft }));
			} else {
				setError(problem instanceof ApiError ? problem : null);
			}
		}
		setBusy(false);
	};
	if (!was) {
		return error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<${Bones} rows=${2} />`;
	}
	return html`<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), save())}>
		<label class="field"><span>${t('settings.name')}</span>
			<input value=${name} maxlength="64" dir="auto" autocomplete="off" onInput=${(/** @type {any} */ e) => setName(e.target.value)} /></label>
		<label class="field"><span>${t('settings.bio')}</span>
			<textarea rows="4" dir="auto" value=${bio} aria-describedby="bio-hint" onInput=${(/** @type {any} */ e) => setBio(e.target.value)}></textarea></label>
		<p class="note" id="bio-hint">${t('settings.bioHint')}</p>
		${error && html`<${Problem} error=${error} kept=${t('write.kept')} />`}
		<button type="submit" class="button strong" aria-disabled=${isBusy}>${t(isKept ? 'write.keep' : 'settings.save')}</button>
		${isKept && html`<p class="note">${t('write.paused')}</p>`}
	</form>`;
}

function Reading() {
	const [theme, set] = useState(memory.get('theme') ?? '');
	const [hasKeys, setKeys] = useState(memory.get('keys') !== 'off');
	const choices = [['', 'settings.system'], ['light', 'settings.light'], ['dark', 'settings.dark']];
	return html`<fieldset class="choices"><legend>${t('settings.theme')}</legend>
			${choices.map(([value, key]) => html`<label key=${key}><input type="radio" name="theme" value=${value} checked=${theme === value}
				onChange=${() => (set(value), setTheme(value))} /><span>${t(key)}</span></label>`)}
		</fieldset>
		<label class="switch"><input type="checkbox" role="switch" checked=${hasKeys}
			onChange=${() => (memory.set('keys', hasKeys ? 'off' : null), setKeys(!hasKeys))} /><span>${t('settings.keys')}</span></label>
		<p class="note">${t('settings.keysHint')} <button type="button" class="quiet-button" onClick=${async () => (await import('../parts/keys.js')).showKeys()}>${t('settings.keysShow')}</button></p>`;
}

function Devices() {
	const [link, setLink] = useState('');
	const [error, setError] = useState(/** @type {any} */ (null));
	const make = async () => {
		setError(null);
		try {
			const answer = await post('code', {});
			setLink(`${location.origin}/#${answer.code}`);
		} catch (problem) {
			setError(problem);
		}
	};
	const out = async () => {
		try {
			await remove('session');
		} catch {
			/* the door closes on this side anyway */
		}
		memory.set('token', null);
		stop();
		phase.value = 'door';
		refresh.value++;
	};
	return html`<p>${t('settings.devicesHint')}</p>
		${link ? html`<${KeyText} text=${link} label=${t('settings.linkLabel')} action=${t('settings.copyLink')} />`
			: html`<button type="button" class="button" onClick=${make}>${t('settings.link')}</button>`}
		${error && html`<${Problem} error=${error} onRetry=${make} />`}
		<p class="apart">${t('settings.outHint')}</p>
		<button type="button" class="button" onClick=${out}>${t('settings.out')}</button>`;
}

export default function Settings() {
	return html`<${Page} title=${t('settings.title')}>
		<a class="way" href="/settings/safety"><${Icon} name="safe" /><span><b>${t('safety.title')}</b><small>${t('safety.lead')}</small></span></a>
		<${Sheet} id="profile" title=${t('settings.profile')}><${Profile} /><//>
		<${Sheet} id="reading" title=${t('settings.reading')}><${Reading} /><//>
		<${Sheet} id="devices" title=${t('settings.devices')}><${Devices} /><//>
	<//>`;
}
