/**
 * parts/profileform: what I say about myself: a name and a few words. Signed, so public and for good.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { ApiError, get } from '../lib/api.js';
import { publish } from '../lib/safety.js';
import { nonce, t } from '../lib/text.js';
import { isPaused, me, peopleChanged, personOf, say, status, take } from '../lib/state.js';
import { blobPath } from '../lib/attached.js';
import { Avatar, Weave } from './avatar.js';
import { Bones, Problem, useAct } from './bits.js';

/** The face: as it is, or as it will be; '' is the woven one. @param {{ image: string | null, onChoose: (id: string | null) => void }} props */
function Face({ image, onChoose }) {
	const file = useRef(/** @type {HTMLInputElement | null} */ (null));
	const self = useValue(me);
	const { image: was } = useValue(personOf(self));
	const hasOne = (image ?? was ?? '') !== '';
	const { act, isBusy, error } = useAct();
	const choose = (/** @type {File | undefined} */ picture) =>
		act(async () => {
			const id = picture && (await (await import('./crop.js')).faceFrom(picture));
			if (id) {
				onChoose(id);
			}
		});
	return html`<div class="face-row">${image ? html`<img class="avatar avatar-xl" src=${blobPath(image)} alt="" />` : html`<${image === '' ? Weave : Avatar} id=${self} size="xl" />`}
		<div><input type="file" accept="image/*" hidden ref=${file} aria-label=${t('crop.choose')} onChange=${(/** @type {any} */ e) => (choose(e.target.files[0]), (e.target.value = ''))} />
			<button type="button" class="button" aria-disabled=${isBusy} onClick=${() => file.current?.click()}>${t(hasOne ? 'crop.other' : 'crop.choose')}</button>
			${hasOne && html` <button type="button" class="quiet-button" onClick=${() => onChoose(was ? '' : null)}>${t('crop.remove')}</button>`}
			<p class="note">${t(image ? 'crop.new' : image === '' ? 'crop.removed' : 'crop.face')}</p></div></div>
		${error && html`<p class="slip" role="alert">${error}</p>`}`;
}

/** @param {{ onDone?: () => void }} props `onDone`: it was saved, or is not wanted any more */
export function ProfileForm({ onDone }) {
	const [was, setWas] = useState(/** @type {{ name: string, bio: string } | null} */ (null));
	const [name, setName] = useState('');
	const [bio, setBio] = useState('');
	/* Chosen, and not yet saved; '': none any more. */
	const [image, setImage] = useState(/** @type {string | null} */ (null));
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
		if (image !== null) {
			change.image = image;
		}
		if (Object.keys(change).length === 0) {
			say(t('settings.same'));
			onDone?.();
			return;
		}
		setBusy(true);
		setError(null);
		try {
			await publish('profile', { ...change, nonce: nonce() });
			setWas({ name: name.trim(), bio: bio.trim() });
			setImage(null);
			take({ people: [(await get('me')).person] });
			peopleChanged.value++;
			say(t('settings.saved'));
			onDone?.();
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
		<${Face} image=${image} onChoose=${setImage} />
		<label class="field"><span>${t('settings.name')}</span>
			<input value=${name} maxlength="64" dir="auto" autocomplete="off" onInput=${(/** @type {any} */ e) => setName(e.target.value)} /></label>
		<label class="field"><span>${t('settings.bio')}</span>
			<textarea rows="4" dir="auto" value=${bio} aria-describedby="bio-hint" onInput=${(/** @type {any} */ e) => setBio(e.target.value)}></textarea></label>
		<p class="note" id="bio-hint">${t('settings.bioHint')}</p>
		${error && html`<${Problem} error=${error} kept=${t('write.kept')} />`}
		<button type="submit" class="button strong" aria-disabled=${isBusy}>${t(isKept ? 'write.keep' : 'settings.save')}</button>
		${onDone && html` <button type="button" class="button" onClick=${onDone}>${t('dialog.cancel')}</button>`}
		${isKept && html`<p class="note">${t('write.paused')}</p>`}
	</form>`;
}
