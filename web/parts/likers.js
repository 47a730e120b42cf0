/**
 * parts/likers: who likes a post, by name, when somebody asks.
 */
import '../lib/lang/en-more.js';
import { html } from '../lib/html.js';
import { get, saidOf } from '../lib/api.js';
import { pathOf, t } from '../lib/text.js';
import { say, take } from '../lib/state.js';
import { Avatar, Name } from './avatar.js';
import { show } from './dialog.js';

/** @param {string} id of a post */
export async function showLikers(id) {
	try {
		const answer = await get(`message/${pathOf(id)}/likes`);
		take({ people: answer.people });
		const rest = answer.total - answer.likes.length;
		await show((close) => html`<h2 id="dialog-title">${t('likers.title', { n: answer.total })}</h2>
			<ul class="likers-list" onClick=${(/** @type {any} */ event) => event.target.closest('a') && close()}>
				${answer.likes.map((/** @type {string} */ one) => html`<li key=${one}><${Avatar} id=${one} size="s" /><${Name} id=${one} key8 /></li>`)}
			</ul>
			${rest > 0 && html`<p class="note">${t('likers.rest', { n: rest })}</p>`}
			<div class="dialog-actions"><button type="button" class="button" onClick=${close}>${t('keys.close')}</button></div>`);
	} catch (error) {
		say(saidOf(error));
	}
}
