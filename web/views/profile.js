/**
 * views/profile: one person: who they are, what they posted, whom they follow, who follows them, as far as this node knows.
 */
import '../lib/lang/en-more.js';
import { html, useValue } from '../lib/html.js';
import { get } from '../lib/api.js';
import { idOf, nameOf, personPath, shortKey, t } from '../lib/text.js';
import { changed, me, peopleChanged, peers, personOf, refresh, sync, take } from '../lib/state.js';
import { Avatar } from '../parts/avatar.js';
import { Bones, Empty, Menu, Problem, Tabs, useAnswer } from '../parts/bits.js';
import { FollowButton, PersonList, askBlock, askUnblock, copyText, relationOf } from '../parts/person.js';
import { PostList } from '../parts/list.js';
import { PostText } from '../parts/posttext.js';
import { Page } from '../parts/shell.js';

/** @param {{ id: string, about: any }} props */
function Head({ id, about }) {
	const person = useValue(personOf(id));
	const isMe = id === useValue(me);
	const name = nameOf(person);
	const relation = relationOf(person);
	const items = [{ said: t('key.copy'), onPick: () => copyText(id) }];
	if (!isMe) {
		items.push(
			person.i === 'block'
				? { said: t('follow.unblockAria', { name }), onPick: () => askUnblock(id) }
				: /** @type {any} */ ({ said: t('block.do', { name }), onPick: () => askBlock(id), danger: true }),
		);
	}
	return html`<section class="profile" aria-label=${name}>
		<div class="profile-top">
			<${Avatar} id=${id} size="xl" />
			<div class="profile-do">
				<${Menu} label=${t('person.more', { name })} items=${items} />
				${isMe ? html`<a class="button" href="/settings">${t('person.edit')}</a>` : html`<${FollowButton} id=${id} />`}
			</div>
		</div>
		<p class="profile-name"><bdi>${name}</bdi></p>
		<p class="row-facts">${relation && html`<span class="badge">${relation}</span>`}<span class="key8" title=${id}>${t('person.key')} ${shortKey(id)}</span></p>
		${about?.bio && html`<${PostText} text=${about.bio} />`}
		${about?.forked && html`<p class="slip">${t('person.forked')}</p>`}
		${person.i === 'block' && html`<p class="slip">${t('person.blocked', { name })}</p>`}
	</section>`;
}

/** What is still to come: below what is shown ahead of it, or behind what a friend has. @param {{ id: string }} props */
function Arriving({ id }) {
	const { ahead, sequence } = useValue(personOf(id));
	const up = useValue(peers).filter((one) => one.state === 'connected');
	const peer = up.find((one) => one.id === id);
	const came = ahead ? sequence : peer?.received ?? 0;
	const left = ahead ? ahead.first - 1 - sequence : peer?.behind ?? 0;
	return left > 0 && html`<div class="sync-line"><span role="status">${t(!ahead ? 'sync.behind' : up[0] ? 'person.ahead' : 'person.aheadLater', { n: left, ...ahead })}</span>
		<progress max=${came + left} value=${came} aria-label=${t('sync.soon')}></progress></div>`;
}

/** @param {{ id: string }} props */
function Nothing({ id }) {
	const person = useValue(personOf(id));
	const name = nameOf(person);
	if (id === me.peek()) {
		return html`<${Empty} said=${t('person.emptyMe')} then=${t('person.emptyMeDo')} />`;
	}
	if (person.i === 'block') {
		return null;
	}
	const isAsked = person.i === 'follow' || person.hops > 0;
	return isAsked
		? html`<${Empty} said=${t('person.empty', { name })} then=${t('person.emptyDo')} />`
		: html`<${Empty} said=${t('person.emptyStranger', { name })} then=${t('person.emptyStrangerDo')} />`;
}

/** @param {{ path: string, id: string }} props */
function Posts({ path, id }) {
	const again = useValue(refresh);
	const news = useValue(changed);
	const { ahead, sequence, i: relation } = useValue(personOf(id));
	return html`<${PostList} key=${relation === 'block'} path=${`person/${path}/posts`} label=${t('home.feed')} empty=${html`<${Nothing} id=${id} />`}
		again=${`${again} ${news.n} ${sequence} ${ahead?.newest}`} />`;
}

/** @param {{ path: string, id: string, list: 'follows' | 'followers' }} props */
function People({ path, id, list }) {
	const name = nameOf(useValue(personOf(id)));
	const again = useValue(peopleChanged);
	const [ids, error, load] = useAnswer(async () => {
		const answer = await get(`person/${path}/${list}`);
		take(answer);
		return answer.people.map((/** @type {any} */ person) => person.id);
	}, [path, list, again]);
	if (error) {
		return html`<${Problem} error=${error} onRetry=${load} />`;
	}
	if (!ids) {
		return html`<${Bones} />`;
	}
	if (ids.length === 0) {
		return html`<${Empty} said=${t(list === 'follows' ? 'person.noFollows' : 'person.noFollowers', { name })} />`;
	}
	return html`<${PersonList} ids=${ids} /><p class="end">${t('person.known')}</p>`;
}

/** @param {{ args: string[], query: URLSearchParams }} props */
export default function Profile({ args, query }) {
	const id = idOf('@', args[0]);
	const person = useValue(personOf(id));
	const again = useValue(refresh);
	const renamed = useValue(peopleChanged);
	const left = useValue(sync).behind;
	const show = query.get('show') ?? 'posts';
	const [about] = useAnswer(async () => {
		const answer = await get(`person/${args[0]}`);
		take({ people: [answer.person] });
		return answer;
	}, [args[0], again, renamed, person.ahead && left]);
	const path = personPath(id);
	const tabs = [
		{ id: 'posts', href: path, said: t('person.posts') },
		{ id: 'follows', href: `${path}?show=follows`, said: t('person.follows') },
		{ id: 'followers', href: `${path}?show=followers`, said: t('person.followers') },
	];
	return html`<${Page} title=${nameOf(person)} back>
		<${Head} id=${id} about=${about} />
		<div class="tab-bar"><${Tabs} label=${t('person.tabs')} at=${show} tabs=${tabs} /></div>
		<${Arriving} id=${id} />
		${show === 'follows' || show === 'followers' ? html`<${People} key=${show} path=${args[0]} id=${id} list=${show} />` : html`<${Posts} path=${args[0]} id=${id} />`}
	<//>`;
}
