/**
 * views/door: how a browser comes in, by a code or by the password when there is one; what it is told when it was sent out; and a node that is not ready yet.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState } from '../lib/html.js';
import { ApiError, get, memory, post, saidOf } from '../lib/api.js';
import { browserName, codeIn, isMisread } from '../lib/names.js';
import { t } from '../lib/text.js';
import { span } from '../lib/time.js';
import { useAct } from '../parts/bits.js';

const ASK_MS = 1000;

/** Begin a session with a code or the password. @param {{ code: string } | { password: string }} secret */
export async function enter(secret) {
	const answer = await post('session', { ...secret, name: browserName() });
	memory.set('token', answer.token);
	memory.set('may', answer.may ?? null);
	memory.set('turned', String(Date.now()));
}

/** Why it did not open, in words. @param {any} error @param {boolean} isPassword */
function whyShut(error, isPassword = false) {
	if (error instanceof ApiError && error.status === 429) {
		return t('door.many', { left: span(1000 * error.wait) });
	}
	return error instanceof ApiError && [401, 403].includes(error.status) ? t(isPassword ? 'door.wrongPassword' : 'door.wrong') : saidOf(error);
}

/** @param {{ onOpen: () => void, slip: string }} props */
function ByCode({ onOpen, slip }) {
	const [text, setText] = useState('');
	const { act, isBusy, error, setError } = useAct();
	useEffect(() => setError(slip), [slip]);
	const open = () => {
		const code = codeIn(text);
		if (!code) {
			setError(t(text.trim() === '' ? 'door.empty' : isMisread(text) ? 'door.misread' : 'door.slip'));
			return;
		}
		act(async () => {
			await enter({ code });
			onOpen();
		}, whyShut);
	};
	return html`<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), open())}>
		<label class="field"><span>${t('door.label')}</span>
			<input class="mono door-code" value=${text} autocomplete="one-time-code" autocapitalize="characters" spellcheck=${false} aria-describedby="door-hint"
				onInput=${(/** @type {any} */ e) => setText(e.target.value)} /></label>
		<p class="note" id="door-hint">${t('door.hint')}</p>
		${error && html`<p class="slip" role="alert">${error}</p>`}
		<div class="welcome-do"><span></span><button type="submit" class="button strong" aria-disabled=${isBusy}>${t('door.go')}</button></div>
	</form>`;
}

/** @param {{ onOpen: () => void }} props */
function ByPassword({ onOpen }) {
	const [text, setText] = useState('');
	const { act, isBusy, error } = useAct();
	const open = () =>
		text !== '' &&
		act(
			async () => {
				await enter({ password: text });
				onOpen();
			},
			(problem) => whyShut(problem, true),
		);
	return html`<form class="door-other" onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), open())}>
		<label class="field"><span>${t('door.password')}</span>
			<input type="password" value=${text} autocomplete="current-password" onInput=${(/** @type {any} */ e) => setText(e.target.value)} /></label>
		${error && html`<p class="slip" role="alert">${error}</p>`}
		<div class="welcome-do"><span></span><button type="submit" class="button" aria-disabled=${isBusy}>${t('door.passwordGo')}</button></div>
	</form>`;
}

/**
 * `sent`: this browser was in, and is not any more: `bye` another device said so, `over` its time was over, `out` it wanted to; with a `+` words of its are
 * not on the node.
 * @param {{ error: any, sent: string, onOpen: () => void }} props
 */
export function Door({ error, sent, onOpen }) {
	const [hasPassword, setPassword] = useState(false);
	const why = /^[a-z]*/.exec(sent)?.[0] ?? '';
	const title = t(why === 'bye' ? 'door.bye' : 'door.title');
	useEffect(() => {
		document.title = `${title} · kith`;
		get('session').then((answer) => setPassword(answer.password), () => {});
	}, [title]);
	return html`<main class="welcome" id="page">
		<p class="brand">kith</p>
		<h1>${title}</h1>
		${why && html`<div class="door-sent" role="status"><p>${t(`door.sent.${why}`)}</p><p>${t(sent.endsWith('+') ? 'door.unsaved' : 'door.saved')}</p></div>`}
		<p>${t('door.said')}</p>
		<${ByCode} slip=${error ? whyShut(error) : ''} onOpen=${onOpen} />
		${hasPassword && html`<${ByPassword} onOpen=${onOpen} />`}
	</main>`;
}

/** The node answers, and is not ready: it says how far it is, and is asked until it lets us in. @param {{ error: any, onOpen: () => Promise<void> }} props */
export function Starting({ error, onOpen }) {
	const [at, setAt] = useState(error);
	useEffect(() => {
		document.title = `${t('starting.title')} · kith`;
		let isAsking = false;
		const look = async () => {
			const problem = await get('session').then(() => null, (error) => error);
			if (problem?.code === 'starting') {
				setAt(problem);
			} else if (problem?.status !== 0) {
				await onOpen();
			}
			isAsking = false;
		};
		const timer = setInterval(() => {
			if (!isAsking) {
				isAsking = true;
				look();
			}
		}, ASK_MS);
		return () => clearInterval(timer);
	}, []);
	const { done = 0, of = 1 } = at?.part ?? {};
	return html`<main class="welcome" id="page">
		<p class="brand">kith</p>
		<h1>${t('starting.title')}</h1>
		<p>${t('starting.said')}</p>
		${done > 0 && html`<progress max=${of} value=${done} aria-label=${t('starting.part')}></progress>`}
		<p class="note" role="status">${done > 0 ? t('starting.percent', { n: Math.min(99, Math.floor((100 * done) / of)) }) : (at?.said ?? '')}</p>
	</main>`;
}
