/**
 * views/welcome: a node that waits for the passphrase of its key, and the first run, one question a page, Back always there.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useLayoutEffect, useRef, useState, useValue } from '../lib/html.js';
import { base } from '../lib/base.js';
import { ApiError, get, memory, post, saidOf } from '../lib/api.js';
import { publish } from '../lib/safety.js';
import { nonce, t } from '../lib/text.js';
import { isPaused, me, personOf, say, status } from '../lib/state.js';
import { go } from '../lib/router.js';
import { Avatar, Name } from '../parts/avatar.js';
import { Problem, useAct } from '../parts/bits.js';
import { FollowBox } from '../parts/follow.js';
import { KeyText } from '../parts/person.js';
import { Banners, Toast } from '../parts/shell.js';
import { Words } from '../parts/words.js';

/**
 * The node is starting: ask until it answers as it should.
 * @param {(answer: any) => boolean} isReady
 */
async function untilStarted(isReady) {
	for (const end = Date.now() + 120000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 500))) {
		try {
			if (isReady(await get('boot?limit=1'))) {
				return;
			}
		} catch (error) {
			if (error instanceof ApiError && error.status === 401) {
				return;
			}
		}
	}
}

/** A node that waits for the passphrase of its key. @param {{ onOpen: () => void }} props */
export function Locked({ onOpen }) {
	const [text, setText] = useState('');
	const { act, isBusy, error } = useAct();
	useEffect(() => {
		document.title = `${t('lock.title')} · kith`;
		/* It may be unlocked from elsewhere. */
		const timer = setInterval(() => get('boot?limit=1').then(onOpen, (problem) => problem.status === 401 && onOpen()), 5000);
		return () => clearInterval(timer);
	}, []);
	const unlock = () =>
		text !== '' &&
		act(
			async () => {
				await post('unlock', { passphrase: text });
				await untilStarted(() => true);
				onOpen();
			},
			(problem) => ([401, 403, 422].includes(problem.status) ? t('lock.wrong') : saidOf(problem)),
		);
	return html`<main class="welcome" id="page">
		<p class="brand">kith</p>
		<h1>${t('lock.title')}</h1>
		<p>${t('lock.said')}</p>
		<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), unlock())}>
			<label class="field"><span>${t('lock.label')}</span>
				<input type="password" value=${text} autocomplete="current-password" onInput=${(/** @type {any} */ e) => setText(e.target.value)} /></label>
			${error && html`<p class="slip" role="alert">${error}</p>`}
			<div class="welcome-do"><span role="status">${isBusy && t('lock.starting')}</span><button type="submit" class="button strong" aria-disabled=${isBusy}>${t('lock.go')}</button></div>
		</form>
	</main>`;
}

/** An identity that exists already, on paper. @param {{ onBack: () => void }} props */
function HaveWords({ onBack }) {
	const [text, setText] = useState('');
	const { act, isBusy, error } = useAct();
	const words = text.toLowerCase().split(/[^a-z]+/).filter(Boolean);
	const bring = () =>
		words.length === 24 &&
		act(async () => {
			const { id } = await post('safety/identity', { words: words.join(' ') });
			memory.set('welcomed', 'yes');
			await untilStarted((answer) => answer.me.id === id);
			location.replace(`${base}/recovery`);
		});
	return html`<p>${t('welcome.haveSaid')}</p>
		<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), bring())}>
			<label class="field"><span>${t('welcome.haveLabel')}</span>
				<textarea class="mono" rows="6" value=${text} autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${(/** @type {any} */ e) => setText(e.target.value)}></textarea></label>
			<p class="note" role="status">${isBusy ? t('welcome.haveWait') : t('welcome.haveCount', { n: words.length })}</p>
			${error && html`<p class="slip" role="alert">${error}</p>`}
			<div class="welcome-do"><button type="button" class="quiet-button" onClick=${onBack}>${t('welcome.back')}</button>
				<button type="submit" class="button strong" aria-disabled=${isBusy || words.length !== 24}>${t('welcome.haveGo')}</button></div>
		</form>`;
}

/** @param {{ onNext: () => void, onHave: () => void }} props */
function AskName({ onNext, onHave }) {
	const person = useValue(personOf(useValue(me)));
	const [name, setName] = useState(person.name);
	const [error, setError] = useState(/** @type {any} */ (null));
	const [isBusy, setBusy] = useState(false);
	const isKept = isPaused(useValue(status));
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
			await publish('profile', { name: wanted, nonce: nonce() });
			personOf(me.peek()).value = { ...person, name: wanted };
			onNext();
		} catch (problem) {
			if (problem instanceof ApiError && problem.draft) {
				say(saidOf(problem));
				onNext();
				return;
			}
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
				<button type="submit" class="button strong" aria-disabled=${isBusy}>${t(isKept ? 'write.keep' : 'welcome.next')}</button></div>
		</form>
		<p class="apart"><button type="button" class="quiet-button" onClick=${onHave}>${t('welcome.have')}</button></p>`;
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

const TITLES = ['welcome.title', 'welcome.you', 'words.title', 'welcome.someone'];

export default function Welcome() {
	const [step, setStep] = useState(0);
	const heading = useRef(/** @type {HTMLElement | null} */ (null));
	const [hasWords, setHasWords] = useState(false);
	const title = t(hasWords ? 'welcome.have' : TITLES[step]);
	useEffect(() => {
		document.title = `${title} · kith`;
	}, [title]);
	useLayoutEffect(() => {
		heading.current?.focus({ preventScroll: true });
		scrollTo(0, 0);
	}, [step, hasWords]);
	const done = () => {
		memory.set('welcomed', 'yes');
		go('/', { replace: true });
	};
	const next = () => setStep(step + 1);
	const back = () => setStep(step - 1);
	const did = () => {
		say(t('words.ok'));
		next();
	};
	return html`<main class="welcome" id="page">
		<${Banners} />
		<p class="welcome-step">${!hasWords && t('welcome.step', { n: step + 1, of: TITLES.length })}</p>
		<h1 tabindex="-1" ref=${heading} class=${step === 0 && !hasWords ? 'sr' : ''}>${title}</h1>
		${hasWords && html`<${HaveWords} onBack=${() => setHasWords(false)} />`}
		${step === 0 && !hasWords && html`<${AskName} onNext=${next} onHave=${() => setHasWords(true)} />`}
		${step === 1 && html`<${ShowKey} onNext=${next} onBack=${back} />`}
		${step === 2 && html`<${Words} onDone=${did} later=${html`<button type="button" class="quiet-button" onClick=${next}>${t('welcome.later')}</button>`} />`}
		${step === 3 && html`<${FindSomeone} onDone=${done} onBack=${back} />`}
		<${Toast} />
	</main>`;
}
