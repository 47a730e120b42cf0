/**
 * views/settings: its groups, and my name and words about me. The other groups are in parts/prefs.js, safety is a screen of its own.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { ApiError, get } from '../lib/api.js';
import { publish } from '../lib/safety.js';
import { nonce, t } from '../lib/text.js';
import { isPaused, peopleChanged, say, status, take } from '../lib/state.js';
import { Bones, Icon, Problem, Sheet } from '../parts/bits.js';
import { About, Appearance, Devices, NetworkGroup, Privacy, Storage } from '../parts/prefs.js';
import { Page } from '../parts/shell.js';

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

const Me = () => html`<${Sheet} id="profile" title=${t('settings.profile')}><${Profile} /><//>`;

/** Address, icon, what it draws; the words are `group.NAME` and `group.NAMEIs`. @type {[string, string, any][]} */
const GROUPS = [
	['profile', 'person', Me],
	['appearance', 'eye', Appearance],
	['privacy', 'lock', Privacy],
	['devices', 'device', Devices],
	['storage', 'disk', Storage],
	['network', 'network', NetworkGroup],
	['safety', 'safe', null],
	['about', 'info', About],
];

/** @param {{ args: string[] }} props */
export default function Settings({ args }) {
	const found = GROUPS.find(([name]) => name === args[0]);
	if (found) {
		return html`<${Page} title=${t(`group.${found[0]}`)} back><${found[2]} /><//>`;
	}
	return html`<${Page} title=${t('settings.title')}>
		<nav aria-label=${t('settings.title')}>${GROUPS.map(([name, icon]) => html`<a class="way" key=${name} href=${`/settings/${name}`}><${Icon} name=${icon} />
			<span><b>${t(`group.${name}`)}</b><small>${t(`group.${name}Is`)}</small></span></a>`)}</nav>
	<//>`;
}
