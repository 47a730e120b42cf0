/**
 * views/welcome: the door (a one-time code) and the first run, one question a page, Back always there.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { ApiError, memory, post } from '../lib/api.js';
import { nonce, t } from '../lib/text.js';
import { head, me, personOf } from '../lib/state.js';
import { go } from '../lib/router.js';
import { Avatar, Name } from '../parts/avatar.js';
import { Problem } from '../parts/bits.js';
import { FollowBox } from '../parts/follow.js';
import { KeyText } from '../parts/person.js';

const CODE = /(?:#|^)([0-9A-Za-z_-]{16,64})\s*$/;

/** A code for a session. @param {string} code */
export async function redeem(code) {
	const answer = await post('session', { code });
	memory.set('token', answer.token);
}

/** @param {{ error: any, onOpen: () => void }} props */
export function Door({ error, onOpen }) {
	const [text, setText] = useState('');
	const [problem, setProblem] = useState(error);
	const open = async () => {
		const code = CODE.exec(text.trim())?.[1];
		if (!code) {
			setProblem({ said: t('door.slip') });
			return;
		}
		try {
			await redeem(code);
			onOpen();
		} catch (failed) {
			setProblem(failed instanceof ApiError && failed.status === 401 ? { said: t('door.wrong') } : failed);
		}
	};
	return html`<main class="welcome" id="page">
		<p class="brand">kith</p>
		<h1>${t('door.title')}</h1>
		<p>${t('door.said')}</p>
		<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), open())}>
			<label class="field"><span>${t('door.label')}</span>
				<input class="mono" value=${text} autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${(/** @type {any} */ e) => setText(e.target.value)} /></label>
			${problem && html`<p class="slip" role="alert">${problem.said}</p>`}
			<div class="welcome-do"><span></span><button type="submit" class="button strong">${t('door.go')}</button></div>
		</form>
	</main>`;
}

/** @param {{ onNext: () => void }} props */
function AskName({ onNext }) {
	const person = useValue(personOf(useValue(me)));
	const [name, setName] = useState(person.name);
	const [error, setError] = useState(/** @type {any} */ (null));
	const [isBusy, setBusy] = useState(false);
	const save = async () => {
		const wanted = name.trim();
		if (isBusy) {
			return;
		}
		if (wanted === '') {
			setError({ said: t('welcome.nobody'), slip: true });
			return;
		}
		if (wanted === person.name) {
			onNext();
			return;
		}
		setBusy(true);
		try {
			const answer = await post('profile', { name: wanted, nonce: nonce(), if_head: head.peek() });
			head.value = Math.max(head.peek(), answer.sequence);
			personOf(me.peek()).value = { ...person, name: wanted };
			onNext();
		} catch (problem) {
			setError(problem);
		}
		setBusy(false);
	};
	return html`<p class="brand big">kith</p>
		<p class="lead">${t('welcome.intro')}</p>
		<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), save())}>
			<label class="field"><span>${t('welcome.name')}</span>
				<input value=${name} maxlength="64" dir="auto" autocomplete="nickname" aria-describedby="name-hint" onInput=${(/** @type {any} */ e) => setName(e.target.value)} /></label>
			<p class="note" id="name-hint">${t('welcome.nameHint')}</p>
			${error && (error.slip ? html`<p class="slip" role="alert">${error.said}</p>` : html`<${Problem} error=${error} onRetry=${save} />`)}
			<div class="welcome-do"><button type="button" class="quiet-button" onClick=${onNext}>${t('welcome.later')}</button>
				<button type="submit" class="button strong" aria-disabled=${isBusy}>${t('welcome.next')}</button></div>
		</form>`;
}

/** @param {{ onNext: () => void, onBack: () => void }} props */
function ShowKey({ onNext, onBack }) {
	const self = useValue(me);
	return html`<div class="welcome-face"><${Avatar} id=${self} size="xl" /><p class="profile-name"><${Name} id=${self} link=${false} /></p></div>
		<p>${t('welcome.key')}</p>
		<${KeyText} text=${self} label=${t('key.label')} action=${t('key.copy')} />
		<p class="note">${t('welcome.face')}</p>
		<div class="welcome-do"><button type="button" class="quiet-button" onClick=${onBack}>${t('welcome.back')}</button>
			<button type="button" class="button strong" onClick=${onNext}>${t('welcome.next')}</button></div>`;
}

/** @param {{ onDone: () => void, onBack: () => void }} props */
function FindSomeone({ onDone, onBack }) {
	const [hasFollowed, setFollowed] = useState(false);
	return html`<p>${t('welcome.someoneSaid')}</p>
		<${FollowBox} onFollowed=${() => setFollowed(true)} />
		<div class="welcome-do"><button type="button" class="quiet-button" onClick=${onBack}>${t('welcome.back')}</button>
			<button type="button" class=${hasFollowed ? 'button strong' : 'button'} onClick=${onDone}>${t(hasFollowed ? 'welcome.home' : 'welcome.skip')}</button></div>`;
}

const TITLES = ['welcome.title', 'welcome.you', 'welcome.someone'];

export default function Welcome() {
	const [step, setStep] = useState(0);
	const heading = useRef(/** @type {HTMLElement | null} */ (null));
	const title = t(TITLES[step]);
	useEffect(() => {
		document.title = `${title} · kith`;
	}, [title]);
	useLayoutEffect(() => {
		heading.current?.focus({ preventScroll: true });
		scrollTo(0, 0);
	}, [step]);
	const done = () => {
		memory.set('welcomed', 'yes');
		go('/', { replace: true });
	};
	const next = () => setStep(step + 1);
	const back = () => setStep(step - 1);
	return html`<main class="welcome" id="page">
		<p class="welcome-step">${t('welcome.step', { n: step + 1, of: TITLES.length })}</p>
		<h1 tabindex="-1" ref=${heading} class=${step === 0 ? 'sr' : ''}>${title}</h1>
		${step === 0 && html`<${AskName} onNext=${next} />`}
		${step === 1 && html`<${ShowKey} onNext=${next} onBack=${back} />`}
		${step === 2 && html`<${FindSomeone} onDone=${done} onBack=${back} />`}
	</main>`;
}
