/**
 * parts/words: the key as 24 words, shown once, and three of them asked back before it counts as written down.
 */
import '../lib/lang/en-more.js';
import { html, useState } from '../lib/html.js';
import { ApiError, get, post, saidOf } from '../lib/api.js';
import { t } from '../lib/text.js';
import { status } from '../lib/state.js';
import { useAct } from './bits.js';

/** Three different numbers from 1 to 24, in order. */
function pick() {
	const numbers = new Set();
	while (numbers.size < 3) {
		numbers.add(1 + (crypto.getRandomValues(new Uint8Array(1))[0] % 24));
	}
	return [...numbers].sort((a, b) => a - b);
}

/** @param {{ numbers: number[], onBack: () => void, onDone: () => void }} props */
function Practice({ numbers, onBack, onDone }) {
	const [given, setGiven] = useState(/** @type {Record<number, string>} */ ({}));
	const { act, isBusy, error } = useAct();
	const check = () =>
		act(
			async () => {
				await post('safety/words', { answers: numbers.map((n) => ({ n, word: (given[n] ?? '').trim().toLowerCase() })) });
				const node = status.peek();
				status.value = node && { ...node, words_done: true };
				onDone();
			},
			(problem) => (problem.status === 422 ? t('words.wrong') : saidOf(problem)),
		);
	return html`<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), check())}>
		<p>${t('words.practice')}</p>
		${numbers.map((n) => html`<label class="field" key=${n}><span>${t('words.number', { n })}</span>
			<input value=${given[n] ?? ''} autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${(/** @type {any} */ e) => setGiven({ ...given, [n]: e.target.value })} /></label>`)}
		${error && html`<p class="slip" role="alert">${error}</p>`}
		<div class="welcome-do"><button type="button" class="quiet-button" onClick=${onBack}>${t('words.again')}</button>
			<button type="submit" class="button strong" aria-disabled=${isBusy}>${t('words.check')}</button></div>
	</form>`;
}

/** @param {{ onDone: () => void, later?: any }} props `later`: what stands beside the button */
export function Words({ onDone, later = null }) {
	const [words, setWords] = useState(/** @type {string[] | null} */ (null));
	const [numbers, setNumbers] = useState(/** @type {number[] | null} */ (null));
	const [error, setError] = useState('');
	const show = async () => {
		setError('');
		try {
			setWords((await get('safety/words')).words);
		} catch (problem) {
			setError(problem instanceof ApiError && problem.code === 'refused' ? t('words.shown') : saidOf(problem));
		}
	};
	if (words && numbers) {
		return html`<${Practice} numbers=${numbers} onBack=${() => setNumbers(null)} onDone=${onDone} />`;
	}
	if (!words) {
		return html`<p>${t('words.what')}</p><p>${t('words.who')}</p>
			${error && html`<p class="slip" role="alert">${error}</p>`}
			<div class="welcome-do">${later}<button type="button" class="button strong" onClick=${show}>${t('words.show')}</button></div>`;
	}
	return html`<p>${t('words.write')}</p>
		<ol class="words" aria-label=${t('words.title')}>${words.map((word, i) => html`<li key=${i}>${word}</li>`)}</ol>
		<div class="welcome-do">${later ?? html`<button type="button" class="quiet-button" onClick=${() => setWords(null)}>${t('words.hide')}</button>`}
			<button type="button" class="button strong" onClick=${() => setNumbers(pick())}>${t('words.did')}</button></div>`;
}
