/**
 * parts/follow: "follow by key": one box for a key, an address or both, and steps that tick as the node gets there.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { ApiError, get } from '../lib/api.js';
import { publish } from '../lib/safety.js';
import { listOf, nameOf, nonce, pathOf, personPath, t } from '../lib/text.js';
import { isPaused, me, peers, peopleChanged, personOf, say, status, take } from '../lib/state.js';
import { askNetwork } from '../lib/live.js';
import { Avatar, Name } from './avatar.js';
import { Bones, Empty, Icon, Problem, useAnswer } from './bits.js';
import { PersonList } from './person.js';

const MULTISERVER = /(?:net|ws|wss|tunnel):[^\s]*~shs:[A-Za-z0-9+/]{43}=/;
const KEY = /@?([A-Za-z0-9+/]{43}=)(?:\.ed25519)?/;
const FEED_URI = /ssb:(?:\/\/)?feed[/:](?:classic|ed25519)[/:]([A-Za-z0-9_-]{43}=?)/;

/**
 * Does a pasted text hold something to follow? The node decides in the end; this only keeps obvious slips from travelling.
 * @param {string} text
 */
export function looksLikeKey(text) {
	return MULTISERVER.test(text) || KEY.test(text) || FEED_URI.test(text);
}

/** @typedef {{ is: 'todo' | 'now' | 'ok' | 'bad', said: string }} Step */
/** @typedef {{ id: string, address: string | null }} Followed */

/** "net:192.168.1.20:8008~shs:…" → "192.168.1.20:8008" @param {string | null | undefined} address */
export function hostOf(address) {
	return /^\w+:(.+?)~/.exec(address ?? '')?.[1] ?? '';
}

/**
 * What is known of the way to a person, as four steps.
 * @param {Followed} followed @param {import('../lib/state.js').Person} person @param {import('../lib/state.js').Peer | undefined} peer
 * @returns {Step[]}
 */
export function stepsOf(followed, person, peer) {
	const name = nameOf(person);
	const where = hostOf(peer?.address) || hostOf(followed.address);
	const n = person.sequence + (person.ahead ? person.ahead.newest - person.ahead.first + 1 : 0);
	const hasPosts = n > 0;
	const isUp = peer?.state === 'connected';
	const isFound = where !== '' || isUp || hasPosts;
	/** @type {Step} */
	const look = { is: isFound ? 'ok' : 'now', said: t(isFound || where ? 'step.look' : 'step.lookBare', { name }) };
	/** @type {Step} */
	const found = { is: isFound ? 'ok' : 'todo', said: where ? t('step.found', { where }) : t('step.foundBare') };
	/** @type {Step} */
	let link = { is: isFound ? 'now' : 'todo', said: t('step.connect') };
	if (isUp) {
		link = { is: 'ok', said: t('step.connected') };
	} else if (hasPosts) {
		link = { is: 'ok', said: t('step.through') };
	} else if (peer?.why?.said && isFound) {
		link = { is: 'bad', said: t('step.trying', { said: peer.why.said }) };
	}
	/** @type {Step} */
	const arriving = hasPosts
		? { is: 'ok', said: t('step.arriving', { n }) }
		: { is: isUp ? 'now' : 'todo', said: t('step.wait') };
	return [look, found, link, arriving];
}

/** @param {{ followed: Followed, onAgain?: () => void }} props */
function Steps({ followed, onAgain }) {
	const person = useValue(personOf(followed.id));
	const all = useValue(peers);
	const steps = stepsOf(followed, person, all.find((peer) => peer.id === followed.id));
	const isDone = steps.every((step) => step.is === 'ok');
	useEffect(() => {
		/* Events tell most of it; the slow question covers a lost one. */
		const ask = async () => {
			askNetwork();
			try {
				take({ people: [(await get(`person/${pathOf(followed.id)}`)).person] });
			} catch {
				/* asked again shortly */
			}
		};
		ask();
		const timer = setInterval(ask, isDone ? 5000 : 1500);
		return () => clearInterval(timer);
	}, [followed.id, isDone]);
	const name = nameOf(person);
	return html`<section class="steps" aria-label=${t('follow.steps', { name })}>
		<p class="steps-who"><a href=${personPath(followed.id)} tabindex="-1" aria-hidden="true"><${Avatar} id=${followed.id} /></a><${Name} id=${followed.id} key8 /></p>
		<ol aria-live="polite">
			${steps.map((step, i) => html`<li key=${i} class=${`step step-${step.is}`}>
				<span class="tick" aria-hidden="true">${step.is === 'ok' && html`<${Icon} name="check" />`}</span>
				<span>${step.said} <span class="sr">(${t(`step.${step.is}`)})</span></span>
			</li>`)}
		</ol>
		${!isDone && html`<p class="note">${t('step.still', { name })}</p>`}
		${onAgain && html`<button type="button" class="quiet-button" onClick=${onAgain}>${t('follow.another')}</button>`}
	</section>`;
}

/** @param {{ onFollowed?: (followed: Followed) => void, autofocus?: boolean }} props */
export function FollowBox({ onFollowed, autofocus = false }) {
	const [text, setText] = useState('');
	const [error, setError] = useState(/** @type {any} */ (null));
	const [isBusy, setBusy] = useState(false);
	const [followed, setFollowed] = useState(/** @type {Followed | null} */ (null));
	const isKept = isPaused(useValue(status));

	const follow = async () => {
		if (isBusy) {
			return;
		}
		if (!looksLikeKey(text)) {
			setError({ said: t('follow.slip') });
			return;
		}
		if (text.includes(me.peek().slice(1, 45)) && text.trim().length < 80) {
			setError({ said: t('follow.self') });
			return;
		}
		setBusy(true);
		setError(null);
		try {
			const answer = await publish('follow', { text: text.trim(), nonce: nonce() });
			personOf(answer.id).value = { ...personOf(answer.id).peek(), i: 'follow' };
			setFollowed({ id: answer.id, address: answer.address ?? null });
			setText('');
			peopleChanged.value++;
			onFollowed?.(answer);
		} catch (problem) {
			if (problem instanceof ApiError && problem.draft) {
				setText('');
				say(t('write.keptDraft', { n: problem.draft }));
				return;
			}
			setError(problem instanceof ApiError ? problem : { said: t('error.broken') });
		} finally {
			setBusy(false);
		}
	};

	if (followed) {
		return html`<${Steps} followed=${followed} onAgain=${() => setFollowed(null)} />`;
	}
	return html`<form class="follow-box" onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), follow())}>
		<label for="follow-text">${t('follow.label')}</label>
		<textarea id="follow-text" class="mono" rows="2" value=${text} placeholder=${t('follow.place')} autocomplete="off" autocapitalize="off" spellcheck=${false}
			aria-describedby="follow-hint" autofocus=${autofocus} onInput=${(/** @type {any} */ e) => setText(e.target.value)}
			onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === 'Enter' && !e.shiftKey && (e.preventDefault(), follow())}></textarea>
		<div class="follow-row"><p class="note" id="follow-hint">${t('follow.hint')}</p>
			<button type="submit" class="button strong" aria-disabled=${isBusy}>${t(isKept ? 'write.keep' : 'follow.go')}</button></div>
		${isKept && html`<p class="note">${t('follow.kept')}</p>`}
		${error && html`<p class="slip" role="alert">${error.said}</p>`}
	</form>`;
}

/** Whom friends follow, and through whom. @param {{ isAlone?: boolean }} props `isAlone`: nothing else stands there, so waiting and nothing are said */
export function Suggested({ isAlone = false }) {
	const again = useValue(peopleChanged);
	const [answer, error, load] = useAnswer(async () => {
		const got = await get('suggestions');
		take(got);
		return got.suggestions;
	}, [again]);
	if (!answer || answer.length === 0) {
		return isAlone && (answer ? html`<${Empty} said=${t('people.noFriends')} then=${t('people.noFriendsDo')} />` : error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<${Bones} />`);
	}
	const rows = new Map(answer.map((/** @type {any} */ row) => [row.id, row]));
	const through = (/** @type {string} */ id) => t('people.through', { names: listOf(rows.get(id).through.map((/** @type {string} */ one) => nameOf(personOf(one).peek())), rows.get(id).total) });
	const list = html`<p class="note list-hint">${t('people.suggestedHow')}</p><${PersonList} ids=${[...rows.keys()]} said=${through} />`;
	return isAlone ? list : html`<section class="suggested" aria-labelledby="suggested-title"><h2 id="suggested-title">${t('people.suggested')}</h2>${list}</section>`;
}

/** Where there is nothing else to show. */
export const FollowHere = () => html`<${FollowBox} /><${Suggested} />`;
